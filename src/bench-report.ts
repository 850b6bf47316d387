/** Where a run's result goes: to standard output, to a result file, to reports; opened before the run, written after it. */
import type { BenchJob } from './bench-job.js'
import { toResultFile } from './files/bench-result-file.js'
import { openResultFile, type ResultFile, toJsonText } from './files/result-file.js'
import type { BenchResult, Configuration } from './measure/bench-result.js'
import type { RunCounts } from './measure/run-counts.js'
import { reportError } from './report-error.js'
import { formatDistribution } from './workload/key-distribution.js'
import { formatRate } from './workload/rate-profile.js'
import { formatSize } from './workload/size-distribution.js'
import { formatTtl } from './workload/ttl-mix.js'

export interface ReportFlags {
  readonly out?: string | undefined
}

/** A run and everything that was counted. */
export interface ReportedRun {
  readonly result: BenchResult
  readonly counts: RunCounts
}

/** A disk that is full must not take the result with it: what can't be written is told, the rest goes on. */
export class BenchReports {
  private constructor(private readonly out: ResultFile | undefined) {}

  /** Errors: `invalid` where a file can't be opened: known before the load, not after it. */
  static async open(flags: ReportFlags): Promise<BenchReports> {
    return new BenchReports(flags.out === undefined ? undefined : await openResultFile(flags.out))
  }

  async write({ result, counts }: ReportedRun): Promise<void> {
    if (!this.out) return
    try {
      await this.out.write(toJsonText(await toResultFile(result, counts)))
    } catch (error) {
      reportError(error, { json: false })
    }
  }

  async close(): Promise<void> {
    await this.out?.close()
  }
}

/** Whatever changes what a run measures; runs compare where all of it is the same. */
export function configurationOf(job: BenchJob): Configuration {
  const { source, workload, phases } = job
  return {
    workload: source.kind === 'trace' ? 'trace' : workload.name,
    rate: phases.map(({ rate }) => formatRate(rate)).join(', '),
    connections: job.connections,
    pipeline: job.pipeline,
    threads: job.threads,
    nodes: job.topology.nodes.length,
    keys: job.keyCount,
    ...(source.kind === 'trace'
      ? { traceRequests: source.trace.keys.length }
      : {
          distribution: formatDistribution(workload.distribution),
          mix: workload.operations.map(({ name, weight }) => `${name}:${weight}`).join(','),
        }),
    valueBytes: formatSize(workload.values),
    ttl: formatTtl(workload.ttl),
    verify: job.verify,
    ...(job.sourceOfTruth
      ? { source: formatSize(job.sourceOfTruth.latencyMs), sourceCapacity: job.sourceOfTruth.capacity }
      : {}),
  }
}
