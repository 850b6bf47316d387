/** The figures we carry against the files they were taken from, where those are there. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { loadPreset } from '../../../src/workload/presets/load-preset.js'
import { keyBytes, operationShares, popularityOfSource } from '../../../src/workload/presets/meta-kvcache.js'
import { clusterRows } from '../../../src/workload/presets/twitter.js'
import { ycsbFigures } from '../../../src/workload/presets/ycsb.js'

const profiles = resolve('../shared/traces/profiles')
const text = (file: string) => readFileSync(join(profiles, file), 'utf8')
const json = <Value>(file: string): Value => {
  const bytes = readFileSync(join(profiles, file))
  return JSON.parse((file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()) as Value
}

/** The value at each quantile, of values with weights. */
function quantiles(values: readonly number[], weights: readonly number[], at: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return at.map((quantile) => {
    let seen = 0
    const index = weights.findIndex((weight) => {
      seen += weight
      return seen >= quantile * total
    })
    return values[index]!
  })
}

const meanOf = (values: readonly number[], weights: readonly number[]) =>
  values.reduce((sum, value, index) => sum + value * weights[index]!, 0) /
  weights.reduce((sum, weight) => sum + weight, 0)

describe('workload presets and their sources', () => {
  if (!existsSync(profiles)) return

  it('twitter: the table', () => {
    const none = (cell = '') => (cell === 'N/A' || cell === 'NA' ? '-' : cell)
    const rows = text('twitter-2020Mar-stats.md')
      .split('\n')
      .filter((line) => /^\|\s*cluster\d/.test(line))
      .map((line) => {
        const cells = line.split('|').map((cell) => cell.trim())
        const [, name, , , keys, values, rate, , , , ttl = '', , , operations = '', alpha] = cells
        return {
          name,
          keyBytes: none(keys),
          valueBytes: none(values),
          rate: none(rate),
          alpha: none(alpha),
          operations: none(operations.split(/\s+/).join(',')),
          ttl: none(
            ttl
              .split(/[\s,]+/)
              .filter(Boolean)
              .join(','),
          ),
        }
      })
    assert.equal(rows.length, 54)
    assert.deepEqual(clusterRows, rows)
  })

  it('ycsb: proportions and distributions', () => {
    for (const [letter, { proportions, distribution }] of Object.entries(ycsbFigures)) {
      const lines = text(`ycsb-workload${letter}`).split(/\r?\n/)
      const given = new Map(
        lines.filter((line) => /^\w+=/.test(line)).map((line) => line.split('=') as [string, string]),
      )
      const found = [...given]
        .filter(([name, value]) => name.endsWith('proportion') && Number(value) > 0)
        .map(([name, value]) => [name.replace('proportion', ''), Number(value)] as const)
      assert.deepEqual(Object.fromEntries(found), proportions, letter)
      assert.equal(given.get('requestdistribution'), distribution)
      if (letter !== 'e') continue
      assert.deepEqual([given.get('maxscanlength'), given.get('scanlengthdistribution')], ['100', 'uniform'])
    }
  })

  it('meta: value sizes keep their mean within 1 % and their quantiles within 5 %', () => {
    const source = json<{ valSizeRange: number[]; valSizeRangeProbability: number[] }>(
      'cachelib-kvcache_reg-sizes.json.gz',
    )
    const { values } = loadPreset('meta:kvcache')
    assert.ok(values.kind === 'histogram')
    const middles = values.from.map((from, index) => (from + values.to[index]!) / 2)
    const mean = meanOf(source.valSizeRange, source.valSizeRangeProbability)
    assert.ok(Math.abs(meanOf(middles, values.weights) / mean - 1) < 0.01)
    const at = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999]
    const expected = quantiles(source.valSizeRange, source.valSizeRangeProbability, at)
    quantiles(middles, values.weights, at).forEach((value, index) => {
      assert.ok(
        Math.abs(value / expected[index]! - 1) <= 0.05,
        `p${at[index]! * 100}: ${value} for ${expected[index]}`,
      )
    })
    assert.ok(values.from.length <= 110)
  })

  it('meta: popularity keeps its keys, its requests, and the share of the hottest keys', () => {
    const source = json<{ popularityBuckets: number[]; popularityWeights: number[] }>(
      'cachelib-kvcache_reg-pop.json.gz',
    )
    const reduced = popularityOfSource()
    const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
    assert.equal(sum(reduced.keyCounts), sum(source.popularityBuckets))
    assert.equal(sum(reduced.weights), sum(source.popularityWeights))
    assert.ok(reduced.keyCounts.length <= 110)
    const preset = loadPreset('meta:kvcache')
    assert.ok(preset.distribution.kind === 'histogram')
    assert.equal(sum(preset.distribution.keyCounts), preset.keys.count)
    for (const keys of [1, 10, 100, 1_000, 10_000, 40_000]) {
      const expected = shareOfHottest(source.popularityBuckets, source.popularityWeights, keys)
      const { keyCounts, weights } = preset.distribution
      for (const share of [
        shareOfHottest(reduced.keyCounts, reduced.weights, keys),
        shareOfHottest(keyCounts, weights, keys),
      ])
        assert.ok(Math.abs(share - expected) < 0.002, `${keys} keys: ${share}, expected ${expected}`)
    }
  })

  it('meta: operations and key sizes', () => {
    const config = json<{ test_config: Record<string, unknown> }>(
      'cachelib-kvcache_reg-config.json',
    ).test_config
    assert.deepEqual(operationShares, { get: config.getRatio, loneGet: config.loneGetRatio })
    assert.deepEqual(config.keySizeRange, [keyBytes.min, keyBytes.max])
    assert.deepEqual([config.setRatio, config.delRatio, config.enableLookaside], [0, 0, true])
  })
})

function shareOfHottest(keyCounts: readonly number[], weights: readonly number[], keys: number): number {
  let left = keys
  let weight = 0
  keyCounts.forEach((count, group) => {
    const taken = Math.min(left, count)
    weight += (weights[group]! * taken) / count
    left -= taken
  })
  return weight / weights.reduce((sum, each) => sum + each, 0)
}
