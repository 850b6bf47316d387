/** Renews a lease while work is done under it; when it is lost, the work is told to stop. */
import type { Lease } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { refused } from '../errors.js'

const renewMs = 1_000

export interface KeptLease {
  /** Aborted by the caller's own signal, and when the lease is lost. */
  readonly signal: AbortSignal
  release(): Promise<void>
}

export function keepLease(lease: Lease, { clock, signal }: { clock: Clock; signal: AbortSignal }): KeptLease {
  const ended = new AbortController()
  const lost = new AbortController()
  const renewing = (async () => {
    while (!ended.signal.aborted) {
      await clock.sleep(renewMs, ended.signal).catch(() => undefined)
      if (ended.signal.aborted) return
      // a store that does not answer has not said that the lease is lost: the nodes know the token, the next step tells
      const isHeld = await lease.renew().catch(() => true)
      if (isHeld) continue
      lost.abort(
        refused(
          'the lease on this change was lost: another operator may have taken over',
          'Run `cachectl ring resume`.',
        ),
      )
      return
    }
  })()
  return {
    signal: AbortSignal.any([signal, lost.signal]),
    async release() {
      ended.abort()
      await renewing
      await lease.release().catch(() => undefined) // it ends by itself
    },
  }
}
