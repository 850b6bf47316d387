import assert from 'node:assert/strict'
import fc from 'fast-check'
import { chooseSalts } from '../../src/hotkeys/choose-salts.js'
import { copyName } from '../../src/hotkeys/hot-set.js'
import { placeCopies } from '../../src/operations/hotkeys/split-key.js'
import { buildRing } from '../../src/ring/build-ring.js'
import { testNode, testTopology } from '../support/redis-servers.js'

const nodes = (count: number) =>
  Array.from({ length: count }, (_, index) => testNode(`n${index + 1}`, 7001 + index))

describe('where the copies of a key lie', () => {
  for (const [title, ring] of [
    ['', {}],
    [', with a hash tag', { hashTag: '{}' }],
    [', on a ketama ring', { algorithm: 'ketama-twemproxy', hashTag: '$$' }],
  ] as const) {
    it(`on each node after the owner, by the smallest salt that the ring gives to it${title}`, () => {
      const key = fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each))
      const tagged = fc.constantFrom(
        Buffer.from('a{b}c'),
        Buffer.from('$x$y'),
        Buffer.from('{}'),
        Buffer.from(''),
      )
      fc.assert(
        fc.property(fc.oneof(key, tagged), fc.integer({ min: 2, max: 9 }), fc.nat(), (each, count, draw) => {
          const topology = testTopology(nodes(count), ring)
          const copyCount = 1 + (draw % (count - 1))
          const { owner, copies } = placeCopies({ key: each, copyCount, topology })
          const built = buildRing(topology)
          const ownerOf = (salt: number) =>
            topology.nodes[built.ownerIndex(copyName(each, salt, topology.ring.hashTag))]!.id
          const next = built.replicas(each, copyCount + 1).map((index) => topology.nodes[index]!.id)
          assert.deepEqual([owner, ...copies.map(({ node }) => node)].sort(), [...next].sort())
          assert.equal(owner, next[0])
          for (const { salt, node } of copies) {
            assert.equal(ownerOf(salt), node)
            for (let smaller = 1; smaller < salt; smaller++) assert.notEqual(ownerOf(smaller), node)
          }
          const salts = copies.map(({ salt }) => salt)
          assert.deepEqual(
            salts,
            [...salts].sort((a, b) => a - b),
          )
        }),
        { numRuns: 50 },
      )
    })
  }

  it('not on the owner, and not two on one node', () => {
    const key = Buffer.from('hot')
    const place = (count: number, copyCount?: number) =>
      placeCopies({ key, copyCount, topology: testTopology(nodes(count)) })
    assert.equal(place(5).copies.length, 4)
    assert.throws(() => place(3, 3), { exitCode: 2, remedy: 'Give at most 2.' })
    assert.throws(() => place(1), { exitCode: 5, message: /one node/ })
  })

  it('there are none for a node that owns next to nothing', () => {
    const ring = { hashTag: undefined, ownerOf: () => 'n1' }
    assert.equal(chooseSalts(Buffer.from('hot'), ['n2'], ring), undefined)
    assert.deepEqual(chooseSalts(Buffer.from('hot'), ['n1'], ring), [{ salt: 1, node: 'n1' }])
  })
})
