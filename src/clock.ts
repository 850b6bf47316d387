/** Time as an argument. The only file that reads a clock, so that tests and simulations can pass their own. */
import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'

export interface Clock {
  /** Monotonic milliseconds with a fraction; only differences mean anything. */
  nowMs(): number
  /** Milliseconds since the Unix epoch, for stamps and expiry times. */
  wallMs(): number
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/**
 * What turns `systemClock.nowMs()` into a time that all processes of this machine share, for as long as it runs
 * (CLOCK_MONOTONIC on Linux, mach_continuous_time on macOS, by libuv's uv_hrtime).
 */
export function machineOffsetMs(): number {
  const before = performance.now()
  const machineMs = Number(process.hrtime.bigint()) / 1e6
  return machineMs - (before + performance.now()) / 2
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  sleep: async (ms, signal) => {
    // many may sleep on one signal at once; each takes its listener off again
    if (signal) setMaxListeners(0, signal)
    await delay(ms, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      throw signal?.aborted ? signal.reason : error
    })
  },
}
