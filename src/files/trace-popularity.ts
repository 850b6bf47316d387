/** How often a trace asks for each of its keys, as a distribution: its popularity at any rate, without its order. */
import { basename } from 'node:path'
import { printable } from '../printable.js'
import type { KeyDistribution } from '../workload/key-distribution.js'
import { readTrace } from './trace-file.js'

export interface TracePopularity {
  readonly distribution: KeyDistribution
  /** Distinct keys of the trace. */
  readonly keyCount: number
}

/** Keys that are asked for equally often are one group. Errors: `invalid`, as `readTrace`. */
export async function readPopularity(path: string): Promise<TracePopularity> {
  const { requests, ends } = await readTrace(path)
  const asked = new Uint32Array(ends.length)
  for (const key of requests.keys) asked[key]! += 1
  const groups = new Map<number, number>()
  for (const times of asked) groups.set(times, (groups.get(times) ?? 0) + 1)
  const hottestFirst = [...groups].sort(([a], [b]) => b - a)
  return {
    keyCount: ends.length,
    distribution: {
      kind: 'histogram',
      name: `trace:${printable(basename(path))}`,
      keyCounts: hottestFirst.map(([, keys]) => keys),
      weights: hottestFirst.map(([times, keys]) => times * keys),
    },
  }
}
