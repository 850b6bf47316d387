import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createRandom } from '../../src/random.js'
import {
  createKeyDraw,
  createScatter,
  formatDistribution,
  type KeyDistribution,
  parseDistribution,
} from '../../src/workload/key-distribution.js'
import { chiSquareP } from '../support/goodness-of-fit.js'
import { sharesOf } from '../support/key-shares.js'

const keyCount = 1_000
const seed = 17
const groups: KeyDistribution = { kind: 'histogram', keyCounts: [1, 9, 40], weights: [5, 3, 2] }

const texts = [
  'uniform',
  'zipf:0.99',
  'zipf:1.3',
  'hotspot:0.2:0.8',
  'hotspot:0.01:0.5',
  'gaussian',
  'gaussian:0.05',
  'gaussian:1',
  'latest:0.99',
  'sequential',
  'exponential:95:0.8571428571',
  'exponential:50:0.1',
  'exponential:10:1',
]

describe('key distributions', () => {
  for (const distribution of [...texts.map(parseDistribution), groups]) {
    it(`${formatDistribution(distribution)} is exact: chi-square, seed ${seed}`, () => {
      for (const count of distribution.kind === 'histogram' ? [keyCount] : [10, keyCount]) {
        const draw = createKeyDraw(distribution, count, createRandom(seed))
        const seen = new Float64Array(count)
        for (let request = 0; request < 200_000; request++) seen[draw()]! += 1
        const p = chiSquareP(seen, sharesOf(distribution, count))
        assert.ok(p > 0.0005, `${count} keys: p ${p}`)
      }
    })
  }

  it('are written as the text they are read from', () => {
    for (const text of texts) assert.equal(formatDistribution(parseDistribution(text)), text)
    assert.deepEqual(parseDistribution('latest'), { kind: 'latest', theta: 0.99 })
    assert.deepEqual(parseDistribution('exponential'), parseDistribution('exponential:95:0.8571428571'))
    assert.deepEqual(parseDistribution(formatDistribution({ kind: 'zipf', theta: 1e-9 })), {
      kind: 'zipf',
      theta: 1e-9,
    })
  })

  it('are refused when they are not known', () => {
    for (const text of [
      'zipf',
      'zipf:',
      'zipf:0',
      'zipf:-1',
      'zipf:99',
      'zipf:1:2',
      'gauss',
      'zipf:1e3',
      'uniform:1',
      'hotspot',
      'hotspot:0.2',
      'hotspot:1:0.5',
      'hotspot:0.2:1',
      'gaussian:0',
      'gaussian:2',
      'latest:',
      'exponential:100:0.5',
      'exponential:95:1.1',
      'sequential:2',
      'histogram',
      '',
    ])
      assert.throws(() => parseDistribution(text), { exitCode: 2, message: /^distribution .*expected/ }, text)
  })

  it('stay within the keys, however few', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...texts.map(parseDistribution), groups),
        fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 50_000_000 })),
        (distribution, count) => {
          const draw = createKeyDraw(distribution, count, createRandom(7))
          for (let request = 0; request < 30; request++) {
            const key = draw()
            assert.ok(Number.isInteger(key) && key >= 0 && key < count, `${key}`)
          }
        },
      ),
    )
  })

  it('scatter the ranks over the keys, each to its own', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), (count) => {
        const scatter = createScatter(count)
        assert.equal(new Set(Array.from({ length: count }, (_, rank) => scatter(rank))).size, count)
      }),
    )
    const scatter = createScatter(50_000_000)
    for (const rank of [0, 1, 49_999_998, 49_999_999]) {
      const key = scatter(rank)
      assert.ok(Number.isInteger(key) && key >= 0 && key < 50_000_000)
    }
  })

  it('in sequence give each key to one thread a round', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 9 }), (count, threads) => {
        const rounds = Array.from({ length: threads }, (_, index) => {
          const part = { index, count: threads }
          const draw = createKeyDraw({ kind: 'sequential' }, count, createRandom(1), { part })
          return Array.from({ length: count }, draw)
        })
        // thread by thread, request by request: one thread's order, threads times around
        const merged = Array.from(
          { length: count * threads },
          (_, at) => rounds[at % threads]![Math.floor(at / threads)],
        )
        assert.deepEqual(
          merged,
          merged.map((_, at) => at % count),
        )
      }),
    )
  })
})
