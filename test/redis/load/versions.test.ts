import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createVersionMemory, Versions } from '../../../src/redis/load/versions.js'

describe('versions', () => {
  it('a write after another that was acknowledged replaces it', () => {
    const versions = new Versions(createVersionMemory(1, 0))
    versions.begin(0)
    versions.acknowledge(0, 0)
    assert.equal(versions.replacedOf(0), 0)
    const settled = versions.settledOf(0)
    assert.equal(versions.begin(0), 2)
    assert.equal(versions.replacedOf(0), 0, 'not while the second is under way')
    versions.acknowledge(0, settled)
    assert.equal(versions.replacedOf(0), 1)
  })

  it('a write that nobody knows the end of settles nothing any more', () => {
    const versions = new Versions(createVersionMemory(1, 0))
    versions.begin(0)
    for (let write = 0; write < 3; write++) {
      const settled = versions.settledOf(0)
      versions.begin(0)
      versions.acknowledge(0, settled)
    }
    assert.equal(versions.replacedOf(0), 0)
  })

  it('no alarm for what a server may return, whatever order it ran overlapping writes in; seeded schedules', () => {
    const step = fc.oneof(
      fc.constant('write' as const),
      fc.constant('apply' as const),
      fc.constant('apply' as const),
      fc.constant('acknowledge' as const),
      fc.constant('acknowledge' as const),
      fc.constant('read' as const),
    )
    let superseded = 0
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.nat()), { minLength: 40, maxLength: 60 }), (steps) => {
        const versions = new Versions(createVersionMemory(1, 0))
        const flying: { version: number; settled: number; applied: boolean }[] = []
        let value = 0
        for (const [what, choice] of steps) {
          const pick = flying[choice % Math.max(1, flying.length)]
          if (what === 'write') {
            const settled = versions.settledOf(0)
            flying.push({ version: versions.begin(0), settled, applied: false })
          } else if (what === 'apply' && pick && !pick.applied) {
            pick.applied = true
            value = pick.version
          } else if (what === 'acknowledge' && pick?.applied) {
            flying.splice(flying.indexOf(pick), 1)
            versions.acknowledge(0, pick.settled)
          } else if (what === 'read' && value > 0) {
            const floor = versions.replacedOf(0)
            assert.ok(value > floor, `a read would return ${value}, floor ${floor}`)
            if (floor > 0) superseded += 1
          }
        }
      }),
      { numRuns: 1_000, seed: 4 },
    )
    assert.ok(superseded > 100, 'the floor did rise')
  })
})
