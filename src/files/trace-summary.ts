/** What a trace is made of, in one pass over its columns. */
import { traceOperations } from '../workload/request-source.js'
import type { Trace } from './trace-file.js'

export interface TraceSummary {
  readonly requestCount: number
  readonly keyCount: number
  /** From the first request to the last; 0 where the trace has no times. */
  readonly spanSeconds: number
  /** By name of operation, those that do not occur included. */
  readonly operationCounts: Readonly<Record<string, number>>
  /** Over distinct keys. */
  readonly meanKeyBytes: number
  /** Over the requests whose size the trace says; 0 where it says none. */
  readonly meanValueBytes: number
}

export function describeTrace({ requests, names, ends }: Trace): TraceSummary {
  const { ops, valueBytes, atMs } = requests
  const counts = new Array<number>(traceOperations.length).fill(0)
  let sized = 0
  let sum = 0
  for (let at = 0; at < ops.length; at++) {
    counts[ops[at]!]! += 1
    const bytes = valueBytes[at]!
    if (bytes === 0) continue
    sized += 1
    sum += bytes
  }
  return {
    requestCount: ops.length,
    keyCount: ends.length,
    spanSeconds: (atMs.at(-1) ?? 0) / 1000,
    operationCounts: Object.fromEntries(traceOperations.map(({ name }, op) => [name, counts[op]!])),
    meanKeyBytes: names.length / Math.max(1, ends.length),
    meanValueBytes: sum / Math.max(1, sized),
  }
}
