/** Meta's key-value cache, as CacheLib's benchmark describes it. */

import { parseCommandTemplate } from '../command-template.js'
import { builtIn } from '../operations.js'
import type { SizeDistribution } from '../size-distribution.js'
import type { Workload } from '../workload.js'
import { presetDefaults } from './defaults.js'
import { popularityTable, valueSizeTable } from './meta-kvcache-data.js'

/** `getRatio` and `loneGetRatio` of config.json. */
export const operationShares = { get: 0.9845283120275657, loneGet: 0.13471687972434254 } as const
/** `keySizeRange`, one range. */
export const keyBytes = { min: 16, max: 255 } as const

const keyCount = 1_000_000
/** Ranks that keep their popularity; the keys beyond them are pressed together. */
const exactRanks = 50_000

const citation = [
  'Meta kvcache: Berg et al., "The CacheLib caching engine: design and experiences at scale", OSDI 2020;',
  'cachebench profile kvcache_reg of https://github.com/facebook/CacheLib, Apache-2.0; its histograms in about 100 ranges each.',
  'Popularity of 10.5 million keys: the hottest 50,000 as they are, the others pressed into 950,000.',
  'Lone gets ask for keys that nobody writes and always miss; they are not in the hit ratio. The source has no TTLs.',
].join(' ')

export function metaKvcache(): Workload {
  return {
    ...presetDefaults,
    name: 'meta:kvcache',
    citation,
    keys: { count: keyCount, bytes: { kind: 'uniform', ...keyBytes } },
    distribution: { kind: 'histogram', ...popularity() },
    values: valueSizes(),
    operations: [
      builtIn('get', operationShares.get),
      {
        name: 'lone-get',
        kind: 'command',
        weight: operationShares.loneGet,
        keyspace: 'lone:',
        commands: [parseCommandTemplate('GET {key}')],
      },
    ],
  }
}

export function popularityOfSource(): { keyCounts: number[]; weights: number[] } {
  const rows = popularityTable
    .trim()
    .split(/\s+/)
    .map((row) => row.split(':').map(Number))
  return { keyCounts: rows.map(([count]) => count!), weights: rows.map(([, weight]) => weight!) }
}

/**
 * Of 10.5 million keys to 1 million: pressed as a whole, the ten hottest would be one key that takes a quarter of all
 * requests.
 */
function popularity(): { keyCounts: number[]; weights: number[] } {
  const { keyCounts, weights } = popularityOfSource()
  const ends = runningSum(keyCounts)
  const exact = ends.findLastIndex((end) => end <= exactRanks) + 1
  const kept = ends[exact - 1]!
  const press = (keyCount - kept) / (ends.at(-1)! - kept)
  const pressed = ends.map((end, group) => (group < exact ? end : Math.round(kept + (end - kept) * press)))
  return { keyCounts: pressed.map((end, group) => end - (pressed[group - 1] ?? 0)), weights }
}

function runningSum(numbers: readonly number[]): number[] {
  let sum = 0
  return numbers.map((number) => {
    sum += number
    return sum
  })
}

function valueSizes(): SizeDistribution {
  const rows = valueSizeTable
    .trim()
    .split(/\s+/)
    .map((row) => {
      const [range = '', weight] = row.split(':')
      const [from, to = from] = range.split('..').map(Number)
      return { from: from!, to: to!, weight: Number(weight) }
    })
  return {
    kind: 'histogram',
    from: rows.map(({ from }) => from),
    to: rows.map(({ to }) => to),
    weights: rows.map(({ weight }) => weight),
  }
}
