import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createRandom } from '../../src/random.js'
import type { KeyDistribution } from '../../src/workload/key-distribution.js'
import { createMix } from '../../src/workload/mix.js'
import type { MixSpec } from '../../src/workload/request-source.js'
import type { OperationKind, OperationSpec } from '../../src/workload/workload.js'

const spec: MixSpec = {
  kind: 'mix',
  distribution: { kind: 'uniform' },
  values: { kind: 'uniform', min: 10, max: 20 },
  ttl: { parts: [{ seconds: 60, weight: 1 }], jitter: 0 },
}

function operation(kind: OperationKind, weight = 1, more: Partial<OperationSpec> = {}): OperationSpec {
  return { name: kind, kind, weight, keyspace: '', ...more }
}

function mixOf(
  operations: OperationSpec[],
  { keyCount = 100, part = { index: 0, count: 1 }, distribution = spec.distribution, seed = 1 } = {},
) {
  return createMix({ ...spec, distribution }, { operations, keyCount, random: createRandom(seed), part })
}

describe('a mix', () => {
  it('draws operations by weight, however the weights are scaled', () => {
    const weights = [0.9, 0.07, 0.03]
    for (const scale of [1, 1_000]) {
      const source = mixOf(weights.map((weight) => operation('read', weight * scale)))
      const seen = [0, 0, 0]
      for (let request = 0; request < 50_000; request++) {
        source.next()
        seen[source.op]! += 1
      }
      for (const [op, count] of seen.entries())
        assert.ok(Math.abs(count / 50_000 - weights[op]!) < 0.01, `${seen}`)
    }
  })

  it('draws size and TTL where something may be written, and nowhere else', () => {
    const key = { kind: 'key' } as const
    const get = { kind: 'text', text: 'X' } as const
    const cases: [OperationSpec, boolean, boolean][] = [
      [operation('read'), true, true],
      [operation('write'), true, true],
      [operation('insert'), true, true],
      [operation('read-modify-write'), true, true],
      [operation('remove'), false, false],
      [operation('read-many', 1, { keyCount: { min: 2, max: 3, consecutive: false } }), false, false],
      [operation('command', 1, { commands: [[get, key]] }), false, false],
      [
        operation('command', 1, {
          commands: [
            [get, key],
            [get, key, { kind: 'value' }],
          ],
        }),
        true,
        false,
      ],
      [operation('command', 1, { commands: [[get, key, { kind: 'ttl' }]] }), false, true],
    ]
    for (const [each, hasSize, hasTtl] of cases) {
      const source = mixOf([each])
      source.next()
      assert.equal(source.valueBytes >= 10 && source.valueBytes <= 20, hasSize, each.kind)
      assert.equal(source.ttlSeconds, hasTtl ? 60 : 0, each.kind)
    }
  })

  it('asks for as many keys as it says, consecutive or drawn', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.nat({ max: 5 }),
        fc.boolean(),
        (min, more, consecutive) => {
          const keyCount = { min, max: min + more, consecutive }
          const source = mixOf([operation('read-many', 1, { keyCount })])
          const counts = new Set<number>()
          for (let request = 0; request < 100; request++) {
            source.next()
            counts.add(source.keyCount)
            const keys = [...source.keys.subarray(0, source.keyCount)]
            assert.equal(keys[0], source.key)
            assert.ok(keys.every((key) => key < 100))
            if (consecutive)
              assert.deepEqual(
                keys,
                keys.map((_, at) => (source.key + at) % 100),
              )
          }
          assert.equal(counts.size, more + 1)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('inserts keys that were not there, each once among all threads, then over the oldest of its own', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 5 }), (keyCount, count) => {
        fc.pre(keyCount >= count)
        const rounds = Array.from({ length: count }, (_, index) => {
          const source = mixOf([operation('insert')], { keyCount, part: { index, count } })
          const mine = Math.ceil((keyCount - index) / count)
          const keys = Array.from({ length: 2 * mine }, () => {
            source.next()
            return source.key
          })
          assert.deepEqual(keys.slice(mine), keys.slice(0, mine))
          return keys.slice(0, mine)
        }).flat()
        assert.deepEqual(
          rounds.sort((a, b) => a - b),
          Array.from({ length: keyCount }, (_, index) => keyCount + index),
        )
      }),
    )
  })

  it('by age asks for the newest key most, inserts included', () => {
    for (const distribution of [
      { kind: 'latest', theta: 0.99 },
      { kind: 'exponential', percentile: 95, rangeShare: 0.2 },
    ] as const) {
      const source = mixOf([operation('insert', 0.05), operation('read', 0.95)], {
        distribution,
        keyCount: 1_000,
      })
      let newest = 999
      const ages = new Float64Array(2_000)
      for (let request = 0; request < 15_000; request++) {
        source.next()
        if (source.op === 0) newest = source.key
        else {
          assert.ok(source.key <= newest, 'a key that is not there yet')
          ages[newest - source.key]! += 1
        }
      }
      assert.equal(ages.indexOf(Math.max(...ages)) < 5, true)
      assert.ok(newest > 1_500)
    }
  })

  it('by age goes around with the inserts', () => {
    const source = mixOf([operation('insert', 0.5), operation('read', 0.5)], {
      distribution: { kind: 'latest', theta: 3 },
      keyCount: 10,
    })
    const newest: number[] = []
    let atNewest = 0
    let reads = 0
    for (let request = 0; request < 2_000; request++) {
      source.next()
      if (source.op === 0) newest.push(source.key)
      else if (newest.length > 10) {
        reads += 1
        if (source.key === newest.at(-1)) atNewest += 1
        assert.ok(source.key < 20)
      }
    }
    // 1 / zeta(3) = 0.832
    assert.ok(Math.abs(atNewest / reads - 0.832) < 0.04, `${atNewest} of ${reads}`)
  })

  it('moves its hot set by a share of the keys', () => {
    const hottest = (distribution: KeyDistribution, share: number) => {
      const source = mixOf([operation('read')], { distribution, keyCount: 1_000 })
      source.shiftTo(0.9)
      source.shiftTo(share)
      const seen = new Float64Array(1_000)
      for (let request = 0; request < 5_000; request++) {
        source.next()
        seen[source.key]! += 1
      }
      return seen.indexOf(Math.max(...seen))
    }
    for (const distribution of [
      { kind: 'zipf', theta: 1.5 },
      { kind: 'latest', theta: 1.5 },
    ] as const) {
      const before = hottest(distribution, 0)
      const step = distribution.kind === 'latest' ? -250 : 250
      assert.equal(hottest(distribution, 0.25), (before + step + 1_000) % 1_000)
    }
  })

  it('is the same for the same seed', () => {
    const stream = (seed: number) => {
      const source = mixOf([operation('read', 3), operation('write'), operation('insert')], { seed })
      return Array.from({ length: 50 }, () => {
        assert.equal(source.next(), true)
        return [source.op, source.key, source.valueBytes]
      })
    }
    assert.deepEqual(stream(5), stream(5))
    assert.notDeepEqual(stream(5), stream(6))
  })
})
