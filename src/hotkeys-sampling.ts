/** Sampling runs, wired to the nodes of a topology or to a saved log. */
import { join } from 'node:path'
import { systemClock } from './clock.js'
import { openMonitorLog } from './files/monitor-log.js'
import { readAccess } from './files/secrets.js'
import type { Candidate } from './hotkeys/choose-local.js'
import { createKeyPositions } from './hotkeys/key-positions.js'
import { redis7Commands } from './hotkeys/redis7-commands.js'
import type { HotKeysRun } from './hotkeys/report.js'
import type { SamplingOptions } from './hotkeys/sampling-options.js'
import { HotKeySources } from './hotkeys-sources.js'
import { stateDirectory } from './open-control.js'
import type { SampledWindow } from './operations/hotkeys/keep-published.js'
import { readLog } from './operations/hotkeys/read-log.js'
import { Sampler, type SamplerWindow } from './operations/hotkeys/sampler.js'
import type { NodeAccess, ProgressPort } from './operations/ports.js'
import { createRandom, freshSeed } from './random.js'
import { createNodeProbe } from './redis/hotkeys/node-probe.js'
import { monitorRights } from './redis/hotkeys/sampling-rights.js'
import type { Topology } from './ring/topology.js'

export interface SamplingWorld {
  readonly topology: Topology
  readonly topologyPath: string
  readonly progress: ProgressPort
  /** Monitors are to be ended now. */
  beforeSuspension(close: () => void): void
}

export type RunWindow = (window: SamplerWindow, signal: AbortSignal) => Promise<HotKeysRun>

/** Lends a sampler, and what it reaches the nodes with; leaves no monitor, watchdog or changed setting behind, however `body` ends. */
export async function withSampler<T>(
  options: SamplingOptions,
  world: SamplingWorld,
  body: (run: RunWindow, accesses: readonly NodeAccess[]) => Promise<T>,
): Promise<T> {
  const { source } = options
  const { topology, topologyPath, progress } = world
  const accesses = await readAccess(topology.nodes, process.env)
  const probe = createNodeProbe(accesses, systemClock)
  const directory = join(stateDirectory(topologyPath), 'hotkeys')
  const sources = new HotKeySources(
    { ...options, source },
    { accesses, probe, clock: systemClock, directory },
  )
  world.beforeSuspension(() => sources.pause())
  try {
    const sampler = await Sampler.open(
      {
        ...options,
        topology,
        neededRights: source === 'auto' || source === 'monitor' ? monitorRights : ['+info'],
      },
      {
        ...{ probe, progress, clock: systemClock, random: createRandom(freshSeed()) },
        sourceFor: (facts) => sources.sourceFor(facts),
      },
    )
    return await body((window, signal) => sampler.run(window, signal), accesses)
  } finally {
    await sources.close()
    probe.close()
  }
}

/** A saved log, or standard input (`-`), read to its end. Errors: `invalid`. */
export async function sampleLog(
  path: string,
  { threshold, top }: SamplingOptions,
  run: { readonly database: number; readonly progress: ProgressPort; readonly signal: AbortSignal },
): Promise<HotKeysRun> {
  const positions = createKeyPositions(redis7Commands())
  const log = openMonitorLog(path, { positions, database: run.database })
  try {
    return await readLog(log, { threshold, top }, run)
  } finally {
    await log.close()
  }
}

/** A run's keys as what may be published. */
export function candidatesOf({ estimate }: HotKeysRun): Candidate[] {
  return estimate.keys.map(({ name, opsPerSec, mix, certainty }) => ({
    ...{ name, opsPerSec: opsPerSec.value, commands: mix, isCertain: certainty === 'certain' },
  }))
}

/** A run's keys with the loads of the nodes, as `--auto` judges them. */
export function sampledWindow({ estimate, opsPerSec }: HotKeysRun): SampledWindow {
  return {
    loads: opsPerSec,
    keys: estimate.keys.map(({ name, opsPerSec: ops, mix, certainty }) => ({
      ...{ name, opsPerSec: ops.value, opsPerSecLow: ops.low, commands: mix },
      isCertain: certainty === 'certain',
    })),
  }
}
