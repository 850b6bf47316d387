import assert from 'node:assert/strict'
import { nearest } from '../src/nearest-name.js'

describe('did you mean', () => {
  const known = ['weight', 'url', 'zone', 'passwordEnv']
  it('finds a swap, a slip, a missing letter', () => {
    assert.equal(nearest('wieght', known), 'weight')
    assert.equal(nearest('zoen', known), 'zone')
    assert.equal(nearest('pasword_env', known), 'passwordEnv')
  })
  it('does not guess wildly', () => {
    assert.equal(nearest('frobnicate', known), undefined)
    assert.equal(nearest('x', []), undefined)
  })
})
