/** `hotkeys --watch` and `--prometheus`: where each window goes, a screen, JSON lines or a scrape. */
import type { Clock } from './clock.js'
import type { HotKeysReport, HotKeysRun } from './hotkeys/report.js'
import type { Tally } from './hotkeys/tally.js'
import type { Trend } from './hotkeys/trend.js'
import { type MetricsServer, serveMetrics } from './hotkeys-metrics-server.js'
import { watchHotKeys } from './operations/hotkeys/watch-hot-keys.js'
import { hotKeysPrometheus } from './report/hotkeys-prometheus.js'
import { renderHotKeys } from './terminal/hotkeys.js'
import { type LiveScreen, openLiveScreen } from './terminal/live-screen.js'

/** Of a window, and so between two looks of the screen. */
export const windowMs = 2_000

export interface WatchSettings {
  sampleWindow(tallies: readonly Tally[] | undefined, signal: AbortSignal): Promise<HotKeysRun>
  report(run: HotKeysRun, trend: Trend): Promise<HotKeysReport>
  /** Absent: nothing is served. */
  readonly port: number | undefined
  /** JSON lines, whatever the terminal. */
  readonly isJson: boolean
  /** Writes to standard output. */
  write(text: string): void
  /** A line for people, beside what is printed. */
  tell(text: string): void
  readonly clock: Clock
  readonly signal: AbortSignal
}

export interface WatchEnd {
  /** Every window passed `--fail-above`. */
  readonly passed: boolean
  /** By Ctrl-C or a signal, not by q. */
  readonly interrupted: boolean
}

/** Until q or Ctrl-C. */
export async function watch(settings: WatchSettings): Promise<WatchEnd> {
  const { sampleWindow, report, port, isJson, clock } = settings
  const [quit, interrupt] = [new AbortController(), new AbortController()]
  const interrupted = AbortSignal.any([settings.signal, interrupt.signal])
  const signal = AbortSignal.any([interrupted, quit.signal])
  const isOnScreen = !isJson && process.stdout.isTTY && process.stdin.isTTY && process.env.TERM !== 'dumb'
  let [metrics, screen]: [MetricsServer | undefined, LiveScreen | undefined] = [undefined, undefined]
  let latest: HotKeysReport | undefined
  let passed = true
  try {
    if (port !== undefined) {
      metrics = await serveMetrics(port, () => (latest ? hotKeysPrometheus(latest) : ''))
      settings.tell(`metrics: ${metrics.url}`)
    }
    if (isOnScreen) {
      screen = openLiveScreen(process.stdin, process.stdout, {
        onQuit: () => quit.abort(),
        onInterrupt: () => interrupt.abort(),
      })
      screen.draw(() => 'sampling …')
    }
    await watchHotKeys({
      sampleWindow: (tallies) => sampleWindow(tallies, signal),
      show: async (run, trend) => {
        const found = await report(run, trend)
        latest = found
        passed &&= found.failAbove?.passed ?? true
        if (screen) screen.draw((columns) => renderHotKeys(found, { columns }))
        else if (port === undefined || isJson) settings.write(`${JSON.stringify(found)}\n`)
      },
      clock,
      signal,
    })
  } finally {
    screen?.close()
    metrics?.close()
  }
  return { passed, interrupted: interrupted.aborted }
}
