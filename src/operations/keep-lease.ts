/**
 * Renews a lease while work is done under it. When it is lost, or somebody asks for a pause, the work is told to stop: it
 * finishes the batches under way, which is safe for any length of time.
 */
import { setMaxListeners } from 'node:events'
import type { ControlStore, Lease } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { refused, stopped } from '../errors.js'
import { printable } from '../printable.js'
import { type PauseNotice, readPause } from './notices.js'

const renewMs = 1_000

export interface KeptLease {
  /** Aborted by the caller's own signal, when the lease is lost, and when a pause is asked for. */
  readonly signal: AbortSignal
  release(): Promise<void>
}

export interface LeaseKeeping {
  readonly control: ControlStore
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** `holder` as the lease was taken with. */
export function keepLease(
  { lease, holder }: { lease: Lease; holder: string },
  { control, clock, signal }: LeaseKeeping,
): KeptLease {
  const ended = new AbortController()
  const stop = new AbortController()
  const renewing = (async () => {
    while (!ended.signal.aborted) {
      await clock.sleep(renewMs, ended.signal).catch(() => undefined)
      if (ended.signal.aborted) return
      // a store that does not answer has not said that the lease is lost: the nodes know the token, the next step tells
      const isHeld = await lease.renew().catch(() => true)
      if (!isHeld) {
        stop.abort(
          refused(
            'the lease on this change was lost: another operator may have taken over',
            'Run `cachectl ring resume`.',
          ),
        )
        return
      }
      // nor has it said that anybody asks for a pause
      const pause = await pauseAsked(control, holder).catch(() => undefined)
      if (pause) stop.abort(stopped(`paused by ${printable(pause.by)}`, '`cachectl ring resume` goes on.'))
    }
  })()
  const kept = AbortSignal.any([signal, stop.signal])
  // every batch that waits for its turn listens: Node would warn of the eleventh
  setMaxListeners(0, kept)
  return {
    signal: kept,
    async release() {
      ended.abort()
      await renewing
      await lease.release().catch(() => undefined) // it ends by itself
    },
  }
}

/** Not before the change has begun, and not when it is all but over: there would be nothing to resume. */
async function pauseAsked(control: ControlStore, holder: string): Promise<PauseNotice | undefined> {
  const pause = await readPause(control)
  if (pause?.holder !== holder) return undefined
  const stored = await control.load()
  return stored && stored.state.phase !== 'stable' ? pause : undefined
}
