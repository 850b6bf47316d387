/** `hotkeys --auto`: window by window, a line a change. */
import * as Flags from '@oclif/core/flags'
import { systemClock } from './clock.js'
import { ExitCode } from './errors.js'
import type { TopologyFile } from './files/topology-file.js'
import { enoughKeys } from './hotkeys/choose-local.js'
import { openSampling, wholeRing } from './hotkeys-sampling.js'
import { controlOf, openControl, openMeeting } from './open-control.js'
import { keepPublished } from './operations/hotkeys/keep-published.js'
import { formatCount } from './terminal/format.js'
import { renderHotSetChange, toHotSetChangeReport } from './terminal/hot-set.js'
import { createProgress } from './terminal/progress.js'
import { parseDurationMs } from './workload/duration.js'

export const autoFlags = {
  auto: Flags.boolean({
    summary: 'Sample on and on, and keep the hottest keys published to the cache library until Ctrl-C.',
  }),
  window: Flags.string({ summary: 'With --auto: judge after so long each time.', default: '2s' }),
}

export interface AutoRequest {
  readonly file: TopologyFile
  readonly by: string
  /** Of one window, as the flag says. */
  readonly window: string
  readonly budget: number
  readonly threshold: number
  readonly json: boolean
}

export interface AutoOutput {
  readonly signal: AbortSignal
  /** To standard output. */
  readonly print: (text: string) => void
  /** Monitors are to be ended now. */
  readonly onSampling: (close: () => void) => void
}

/** Runs until the signal, takes its keys off then, and ends with 130. */
export async function keepHotKeysPublished(request: AutoRequest, output: AutoOutput): Promise<undefined> {
  const { file, by, window, budget, threshold, json } = request
  const windowMs = parseDurationMs(window, '--window')
  const { topology } = file
  const { control: spec, folder } = controlOf(file)
  const progress = await createProgress()
  // the status line says what the window was; the sampler's own would flicker in it
  const sampling = await openSampling({ topology, durationMs: windowMs, budget, threshold }, silent)
  output.onSampling(() => sampling.close())
  const control = await openControl(file)
  const meeting = await openMeeting(spec, folder)
  const board = { control, clock: systemClock, by }
  try {
    await keepPublished(
      {
        ring: topology.name,
        threshold,
        limit: enoughKeys(topology.nodes.length),
        loadOf: () => wholeRing,
      },
      {
        ...{ meeting, board, clock: systemClock, signal: output.signal },
        sampleWindow: (signal) => sampling.window(signal),
        onChange: (change) => {
          const report = toHotSetChangeReport(change, systemClock.wallMs())
          progress.end()
          output.print(`${json ? JSON.stringify(report) : renderHotSetChange(report)}\n`)
        },
        onWindow: ({ publishedCount, opsPerSec, hitsPerSec }) =>
          progress.update(
            `${publishedCount} published; ${formatCount(opsPerSec)} ops/s on the nodes, ${formatCount(hitsPerSec)} reads/s of published keys from memory`,
          ),
        onTrouble: (text) => {
          progress.end()
          process.stderr.write(`warning: ${text}\n`)
        },
      },
    )
  } finally {
    progress.end()
    await meeting.close()
    await control.close()
  }
  process.exitCode = ExitCode.interrupted
  return undefined
}

const silent = { update: () => {}, end: () => {} }
