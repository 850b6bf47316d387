/** Waiting that an abort ends early, and does not fail. */
import type { Clock } from '../../clock.js'

export async function sleepUntilAborted(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await clock.sleep(ms, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
