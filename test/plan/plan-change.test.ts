import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createRouter, planChange } from '../../src/plan/plan-change.js'
import { type Algorithm, algorithms, type NodeSpec } from '../../src/ring/topology.js'
import { testNode, testTopology } from '../support/redis-servers.js'

const nodes = (ids: readonly number[], weights: readonly number[] = []): NodeSpec[] =>
  ids.map((id, index) => ({ ...testNode(`n${id}`, 7000 + id), weight: weights[index] ?? 1 }))

const exactAlgorithms = algorithms.filter(
  (name): name is Algorithm => name !== 'rendezvous' && name !== 'jump',
)
const ids = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 })
const weights = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 8, maxLength: 8 })

describe('a plan', () => {
  it('covers a key if and only if the key changes its owner', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...exactAlgorithms),
        fc.tuple(ids, weights, ids, weights),
        fc.array(fc.uint8Array({ maxLength: 24 }), { minLength: 50, maxLength: 50 }),
        (algorithm, [idsBefore, weightsBefore, idsAfter, weightsAfter], keys) => {
          const before = testTopology(nodes(idsBefore, weightsBefore), {
            algorithm,
            ...(algorithm === 'ring' ? { pointsPerWeight: 100 } : {}),
          })
          const after = { ...before, nodes: nodes(idsAfter, weightsAfter) }
          const plan = planChange(before, after)
          assert.ok(plan.exact)
          const router = createRouter(before, after)
          for (const key of keys) {
            const [source, target] = [router.sourceOf(key), router.targetOf(key)]
            const covered = plan.moves.some((move) => move.source === source && move.target === target)
            assert.equal(covered, source !== target)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('moves nothing sideways on a default ring, and at most 1.1/n when one of n joins', () => {
    for (const count of [2, 4, 10, 25, 50]) {
      const all = nodes(Array.from({ length: count }, (_, index) => index))
      const plan = planChange(testTopology(all.slice(0, -1)), testTopology(all))
      assert.equal(plan.sidewaysShare, 0)
      assert.ok(plan.movedShare <= 1.1 / count, `${count}: ${plan.movedShare}`)
      assert.ok(plan.moves.every((move) => move.target === `n${count - 1}`))
    }
  })

  it('says that ketama moves keys sideways: from 24 to 25 nodes a third of what moves', () => {
    const all = nodes(Array.from({ length: 25 }, (_, index) => index))
    const ketama = { algorithm: 'ketama-twemproxy' as const }
    const plan = planChange(testTopology(all.slice(0, -1), ketama), testTopology(all, ketama))
    const part = plan.sidewaysShare / plan.movedShare
    assert.ok(part > 0.25 && part < 0.45, String(part))
  })

  it('has the share of keys that really move', () => {
    for (const algorithm of algorithms) {
      const [before, after] = [
        testTopology(nodes([1, 2, 3]), { algorithm }),
        testTopology(nodes([1, 2, 3, 4]), { algorithm }),
      ]
      const plan = planChange(before, after)
      const router = createRouter(before, after)
      let moved = 0
      for (let i = 0; i < 20_000; i++) {
        const key = Buffer.from(`some:key:${i}`)
        if (router.sourceOf(key) !== router.targetOf(key)) moved += 1
      }
      assert.ok(
        Math.abs(moved / 20_000 - plan.movedShare) < 0.03,
        `${algorithm}: ${moved / 20_000} of ${plan.movedShare}`,
      )
    }
  })

  it('refuses a node that changes its address under its id', () => {
    const before = testTopology(nodes([1, 2]))
    const moved = {
      ...before,
      nodes: [
        before.nodes[0]!,
        { ...before.nodes[1]!, address: { kind: 'tcp' as const, host: '127.0.0.1', port: 9 } },
      ],
    }
    assert.throws(() => planChange(before, moved), /changes its address/)
  })
})
