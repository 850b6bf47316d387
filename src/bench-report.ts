/** Where a run's result goes: to standard output, to a result file, to reports; opened before the run, written after it. */
import type { BenchJob } from './bench-job.js'
import { toResultFile } from './files/bench-result-file.js'
import { openResultFile, type ResultFile, toJsonText } from './files/result-file.js'
import type { BenchResult, Configuration } from './measure/bench-result.js'
import type { RunCounts } from './measure/run-counts.js'
import { printable } from './printable.js'
import { reportError } from './report-error.js'

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
  const { source, workload } = job
  const isOpen = job.phases.some(({ rate }) => rate.kind !== 'max')
  return {
    workload: source.kind === 'trace' ? 'trace' : printable(workload.name),
    keys: job.keyCount,
    ...(source.kind === 'trace'
      ? { traceRequests: source.trace.keys.length }
      : {
          distribution: describe(workload.distribution),
          operations: workload.operations.map(({ name, weight }) => `${name}:${weight}`).join(','),
        }),
    valueBytes: workload.values.kind === 'fixed' ? workload.values.value : describe(workload.values),
    ...(workload.keys.bytes ? { keyBytes: describe(workload.keys.bytes) } : {}),
    ttl: workload.ttl.parts.length === 0 ? 'none' : describe(workload.ttl),
    connections: job.connections,
    pipeline: job.pipeline,
    threads: job.threads,
    warmup: describe(job.warmup),
    phases: job.phases.map(describe).join('; '),
    requests: job.requestLimit,
    verify: job.verify,
    ...(isOpen ? { maxInFlight: job.maxInFlight, pace: job.pace } : {}),
    ...(workload.source ? { source: describe(workload.source) } : {}),
    ...(job.lruEntries === undefined ? {} : { lruEntries: job.lruEntries }),
  }
}

/** A value of the workload on one line: `uniform min=10 max=200`. */
function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return printable(String(value))
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`
  return Object.entries(value)
    .map(([name, part]) => {
      if (name === 'kind' || name === 'name') return describe(part)
      return typeof part === 'object' ? `${name}=(${describe(part)})` : `${name}=${describe(part)}`
    })
    .join(' ')
}
