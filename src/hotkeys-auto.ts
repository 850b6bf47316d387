/** `hotkeys --auto`: window by window, a line a change. */
import * as Flags from '@oclif/core/flags'
import { systemClock } from './clock.js'
import { ExitCode } from './errors.js'
import type { TopologyFile } from './files/topology-file.js'
import { enoughKeys } from './hotkeys/choose-local.js'
import type { SamplingOptions } from './hotkeys/sampling-options.js'
import type { HotKeysOutput } from './hotkeys-run.js'
import { sampledWindow, withSampler } from './hotkeys-sampling.js'
import { controlOf, openControl, openMeeting } from './open-control.js'
import { keepPublished } from './operations/hotkeys/keep-published.js'
import { buildRing } from './ring/build-ring.js'
import { formatCount } from './terminal/format.js'
import { renderHotSetChange, toHotSetChangeReport } from './terminal/hot-set.js'
import { createProgress } from './terminal/progress.js'
import { parseDurationMs } from './workload/duration.js'

export const autoFlags = {
  auto: Flags.boolean({
    summary: 'Sample on and on, and keep the hottest keys published to the cache library until Ctrl-C.',
    exclusive: ['watch', 'prometheus', 'fail-above', 'redact'],
  }),
  window: Flags.string({
    summary: 'With --auto: judge after so long each time; default: 2s.',
    helpValue: 'TIME',
    dependsOn: ['auto'],
  }),
}

export interface AutoRequest {
  readonly file: TopologyFile
  readonly sampling: SamplingOptions
  readonly by: string
  /** Of one window, as the flag says. */
  readonly window: string | undefined
}

/** Runs until the signal, takes its keys off then, and ends with 130. */
export async function keepHotKeysPublished(request: AutoRequest, output: HotKeysOutput): Promise<undefined> {
  const { file, sampling, by } = request
  const { topology, path } = file
  const windowMs = parseDurationMs(request.window ?? usualWindow, '--window')
  let maxMs = Math.min(firstWindowMs, windowMs)
  const { control: spec, folder } = controlOf(file)
  const ring = buildRing(topology)
  const progress = await createProgress()
  const control = await openControl(file)
  const meeting = await openMeeting(spec, folder)
  const { beforeSuspension, signal } = output
  const board = { control, clock: systemClock, by }
  // the status line says what the window was; the sampler's own would flicker in it
  const world = { topology, topologyPath: path, progress: silent, beforeSuspension }
  try {
    await withSampler({ ...sampling, top: mostKeys }, world, (run) =>
      keepPublished(
        {
          ring: topology.name,
          threshold: sampling.threshold,
          limit: enoughKeys(topology.nodes.length),
          loadOf: (name) => topology.nodes[ring.ownerIndex(Buffer.from(name, 'latin1'))]?.id ?? '',
        },
        {
          ...{ meeting, board, clock: systemClock, signal },
          sampleWindow: async (until) => {
            const sampled = sampledWindow(await run({ maxMs, stopsWhenKnown: false, isFresh: true }, until))
            maxMs = windowMs
            return sampled
          },
          onChange: (change) => {
            const report = toHotSetChangeReport(change, systemClock.wallMs())
            progress.end()
            output.write(
              `${output.isJson ? JSON.stringify(report) : renderHotSetChange(report, process.stdout.columns || undefined)}\n`,
            )
          },
          onWindow: ({ publishedCount, opsPerSec, hitsPerSec }) =>
            progress.update(
              `${publishedCount} published; ${formatCount(opsPerSec)} ops/s on the nodes, ${formatCount(hitsPerSec)} reads/s from memory`,
            ),
          onTrouble: (text) => {
            progress.end()
            output.tell(`warning: ${text}`)
          },
        },
      ),
    )
  } finally {
    progress.end()
    await meeting.close()
    await control.close()
  }
  process.exitCode = ExitCode.interrupted
  return undefined
}

const mostKeys = 1_000
const usualWindow = '2s'
/** What is very hot is seen at once. */
const firstWindowMs = 1_000
const silent = { update: () => {}, end: () => {} }
