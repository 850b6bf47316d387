/** Which keys `hotkeys publish` publishes: those given, those of a report, or those of a sample. */
import { invalid } from './errors.js'
import { readHotKeysReport } from './files/hot-keys-report.js'
import type { TopologyFile } from './files/topology-file.js'
import { type Choice, chooseLocal, enoughKeys } from './hotkeys/choose-local.js'
import { maxHotKeys } from './hotkeys/hot-set.js'
import { parsePercent } from './hotkeys/percent.js'
import { parseMaxTime } from './hotkeys-flags.js'
import { candidatesOf, withSampler } from './hotkeys-sampling.js'
import { createProgress } from './terminal/progress.js'

export interface PublishRequest {
  readonly file: TopologyFile
  /** undefined: none were named. */
  readonly given: readonly Buffer[] | undefined
  readonly from?: string | undefined
  readonly 'max-time': string
  readonly threshold: string
  /** Monitors are to be ended now. */
  readonly beforeSuspension: (close: () => void) => void
}

export interface KeysToPublish {
  readonly keys: readonly Buffer[]
  /** undefined: nothing was chosen from. */
  readonly others?: Choice['others']
}

/** What the commands take from a node's budget. */
const budget = 0.01

/** Errors: `invalid`, and those of a sampling run. */
export async function keysToPublish(request: PublishRequest, signal: AbortSignal): Promise<KeysToPublish> {
  const { given, from, file } = request
  if (given && from !== undefined) throw invalid('--from: give keys or a report, not both')
  if (given) return { keys: given }
  if (from !== undefined) return asKeys(chooseLocal(await readHotKeysReport(from), maxHotKeys))
  const { topology, path } = file
  const progress = await createProgress()
  const { beforeSuspension } = request
  const options = {
    ...{ source: 'auto' as const, top: maxHotKeys, budget: { share: budget, gentle: false } },
    ...{ force: false, allowSlowlogLoss: false, allowConfig: false },
    threshold: parsePercent(request.threshold, '--threshold'),
    maxMs: parseMaxTime(request['max-time']),
  }
  const world = { topology, topologyPath: path, progress, beforeSuspension }
  return withSampler(options, world, async (run) => {
    const found = await run({ maxMs: options.maxMs, stopsWhenKnown: true, isFresh: true }, signal)
    signal.throwIfAborted()
    return asKeys(chooseLocal(candidatesOf(found), enoughKeys(topology.nodes.length)))
  })
}

function asKeys({ chosen, others }: Choice): KeysToPublish {
  return { keys: chosen.map(({ name }) => Buffer.from(name, 'latin1')), others }
}
