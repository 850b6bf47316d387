/** Hot keys as they come and go: windows of sampling, in which what is older counts less and less. */
import type { Clock } from '../../clock.js'
import type { HotKeysRun } from '../../hotkeys/report.js'
import type { Tally } from '../../hotkeys/tally.js'
import { decayFactor, type Trend, TrendKeeper } from '../../hotkeys/trend.js'

export interface WatchPorts {
  /** Adds the samples of one window to the tallies; without, it starts them. */
  sampleWindow(tallies: readonly Tally[] | undefined): Promise<HotKeysRun>
  show(run: HotKeysRun, trend: Trend): Promise<void>
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Until the signal is aborted; a window that was cut short is not shown. */
export async function watchHotKeys({ sampleWindow, show, clock, signal }: WatchPorts): Promise<void> {
  const keeper = new TrendKeeper()
  let tallies: readonly Tally[] | undefined
  let lastMs = clock.nowMs()
  while (!signal.aborted) {
    const nowMs = clock.nowMs()
    for (const tally of tallies ?? []) tally.decay(decayFactor(nowMs - lastMs))
    lastMs = nowMs
    const run = await sampleWindow(tallies)
    tallies = run.tallies
    if (!signal.aborted) await show(run, keeper.next(run.estimate, clock.nowMs()))
  }
}
