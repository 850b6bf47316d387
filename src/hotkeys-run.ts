/** `hotkeys` and `hotkeys --watch`: from flags to what is printed. */
import type { Clock } from './clock.js'
import type { TopologyFile } from './files/topology-file.js'
import type { Redaction } from './hotkeys/redaction.js'
import type { HotKeysReport } from './hotkeys/report.js'
import type { SamplingOptions } from './hotkeys/sampling-options.js'
import { hotKeysReporter, logReporter } from './hotkeys-report.js'
import { sampleLog, withSampler } from './hotkeys-sampling.js'
import { type WatchEnd, watch, windowMs } from './hotkeys-watch.js'
import { renderHotKeys } from './terminal/hotkeys.js'
import { createProgress } from './terminal/progress.js'

export interface HotKeysRequest {
  readonly sampling: SamplingOptions
  readonly shown: {
    readonly redaction: Redaction | undefined
    readonly failAbove: number | undefined
    readonly port: number | undefined
  }
  /** A saved log in place of servers. */
  readonly log: string | undefined
  /** undefined: a log does not need one. */
  readonly file: TopologyFile | undefined
}

export interface HotKeysOutput {
  readonly signal: AbortSignal
  readonly isJson: boolean
  readonly clock: Clock
  /** Writes to standard output. */
  write(text: string): void
  /** A line for people, beside what is printed. */
  tell(text: string): void
  /** Text that is left out with --json. */
  print(text: string): void
  screen(): { readonly columns: number }
  beforeSuspension(close: () => void): void
}

/** One answer, printed. */
export async function findHotKeys(
  { sampling, shown, log, file }: HotKeysRequest,
  { signal, print, screen, beforeSuspension }: HotKeysOutput,
): Promise<HotKeysReport> {
  const progress = await createProgress()
  const settings = { ...sampling, budget: sampling.budget.share, ...shown }
  if (!file) {
    const run = await sampleLog(log ?? '-', sampling, { database: 0, progress, signal })
    const report = logReporter(settings)(run)
    print(renderHotKeys(report, screen()))
    return report
  }
  const { topology, path } = file
  const world = { topology, topologyPath: path, progress, beforeSuspension }
  return withSampler(sampling, world, async (run, accesses) => {
    const window = { maxMs: sampling.maxMs, stopsWhenKnown: true, isFresh: true }
    const report = await hotKeysReporter({ ...settings, topology, accesses })(await run(window, signal))
    print(renderHotKeys(report, screen()))
    return report
  })
}

/** Until q or Ctrl-C. */
export async function watchRing(
  { sampling, shown, file: { topology, path } }: HotKeysRequest & { readonly file: TopologyFile },
  output: HotKeysOutput,
): Promise<WatchEnd> {
  // the screen says what is going on
  const progress = { update: () => {}, end: () => {} }
  const { beforeSuspension } = output
  const world = { topology, topologyPath: path, progress, beforeSuspension }
  return withSampler(sampling, world, async (run, accesses) =>
    watch({
      ...output,
      port: shown.port,
      sampleWindow: (tallies, signal) =>
        run({ maxMs: windowMs, stopsWhenKnown: false, isFresh: tallies === undefined }, signal),
      report: hotKeysReporter({
        ...{ ...sampling, ...shown, topology, budget: sampling.budget.share },
        accesses,
      }),
    }),
  )
}
