/** A sampling run in the terms of what is published: candidates, and one window of `hotkeys --auto`. */
import { systemClock } from './clock.js'
import { readAccess } from './files/secrets.js'
import type { Candidate } from './hotkeys/choose-local.js'
import { findHotKeys } from './operations/find-hot-keys.js'
import type { SampledWindow } from './operations/hotkeys/keep-published.js'
import type { ProgressPort } from './operations/ports.js'
import { createRandom, freshSeed } from './random.js'
import { createMonitor } from './redis/monitor-burst.js'
import type { Topology } from './ring/topology.js'

export interface SamplingOptions {
  readonly topology: Topology
  readonly durationMs: number
  readonly budget: number
  readonly threshold: number
}

export interface Sampling {
  candidates(signal: AbortSignal): Promise<Candidate[]>
  window(signal: AbortSignal): Promise<SampledWindow>
  /** Ends what is under way. */
  close(): void
}

const mostKeys = 1_000

export async function openSampling(
  { topology, durationMs, budget, threshold }: SamplingOptions,
  progress: ProgressPort,
): Promise<Sampling> {
  const monitor = createMonitor(await readAccess(topology.nodes, process.env), systemClock)
  const random = createRandom(freshSeed())
  const run = (signal: AbortSignal) =>
    findHotKeys(
      { topology, top: mostKeys, durationMs, budget, threshold },
      { monitor, clock: systemClock, random, progress, signal },
    )
  return {
    async candidates(signal) {
      const { keys } = await run(signal)
      signal.throwIfAborted()
      return keys.map(({ name, opsPerSec, commands }) => ({ name, opsPerSec, commands, isCertain: true }))
    },
    async window(signal) {
      const { keys, ringOpsPerSec } = await run(signal)
      return {
        loads: new Map([[wholeRing, ringOpsPerSec]]),
        keys: keys.map(({ name, opsPerSec, shareLow, commands }) => {
          return { name, opsPerSec, opsPerSecLow: shareLow * ringOpsPerSec, commands }
        }),
      }
    },
    close: () => monitor.close(),
  }
}

/** What shares are of. */
export const wholeRing = ''
