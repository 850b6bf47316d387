/** The result of a run as users' scripts read it: schema `cachectl/bench/v1` (docs/json.md). */
import { arch, cpus, platform, totalmem } from 'node:os'
import type { BenchMeasures } from '../measure/bench-measures.js'
import type { GateResult } from '../measure/gate.js'
import type { RunCounts } from '../measure/run-counts.js'
import { partOf, totalOf } from '../measure/run-part.js'
import type { LoadRequest } from '../operations/ports.js'
import { encodeHistogram } from './hdr-export.js'

export interface BenchResult extends Omit<BenchMeasures, 'overall'> {
  readonly schema: 'cachectl/bench/v1'
  readonly topology: string
  readonly latency: BenchMeasures['overall']
  readonly gates: readonly GateResult[]
  readonly interrupted: boolean
  readonly seed: number
  readonly configuration: Readonly<Record<string, string | number>>
  readonly servers: Readonly<Record<string, string>>
  readonly machine: {
    readonly platform: string
    readonly cpu: string
    readonly cores: number
    readonly memoryBytes: number
    readonly node: string
  }
  readonly warnings: readonly string[]
}

interface Outcome extends BenchMeasures {
  readonly gates: readonly GateResult[]
  readonly interrupted: boolean
  readonly servers: Readonly<Record<string, string>>
  readonly warnings: readonly string[]
}

export function toBenchResult(request: LoadRequest & { keyCount: number }, outcome: Outcome): BenchResult {
  const { overall, ...measures } = outcome
  const { source } = request
  return {
    schema: 'cachectl/bench/v1',
    topology: request.topology.name,
    ...measures,
    latency: overall,
    seed: request.seed,
    configuration: {
      connections: request.connections,
      pipeline: request.pipeline,
      threads: request.threads,
      keys: request.keyCount,
      valueBytes: request.valueBytes,
      ttlSeconds: request.ttlSeconds,
      warmupMs: request.warmupMs,
      workload:
        source.kind === 'mix'
          ? source.distribution.kind === 'zipf'
            ? `zipf:${source.distribution.theta}`
            : 'uniform'
          : source.kind,
      ...(source.kind === 'mix' ? { readRatio: source.readRatio } : {}),
      ...(source.kind === 'trace' ? { traceRequests: source.trace.keys.length } : {}),
    },
    machine: {
      platform: `${platform()} ${arch()}`,
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      node: process.version,
    },
  }
}

/** The result with its histograms: a base64 text for each operation, values in units of 100 ns. */
export async function toResultFile(
  result: BenchResult,
  counts: RunCounts,
): Promise<BenchResult & { histograms: Record<string, string> }> {
  const histograms: Record<string, string> = {}
  for (const [op, name] of counts.operationNames.entries()) {
    const { latency } = partOf(counts, { op })
    if (totalOf(latency) > 0) histograms[name] = await encodeHistogram(latency)
  }
  return { ...result, histograms }
}
