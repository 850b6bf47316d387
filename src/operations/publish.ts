/** Publishes the next state of the ring. A store that was restarted in mid-call may have taken it without saying so. */
import { isDeepStrictEqual } from 'node:util'
import type { ControlStore, StoredState } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { isUnreachable, refused } from '../errors.js'
import type { RingState } from '../ring/epoch.js'
import type { JournalPort } from './ports.js'

export interface PublishPorts {
  readonly control: ControlStore
  readonly journal: JournalPort
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** A restart of the store is outlived; longer, and the operator stops: `ring resume` reads what has become of it. */
const patienceMs = 10_000
const retryMs = 250

/**
 * Replaces `stored`. Whoever wrote `next` there, we or an operator who goes on for us, it is published: the state is all
 * that clients go by. Errors: `refused` when the store holds neither, `unreachable` when it stays away.
 */
export async function publish(
  stored: StoredState,
  next: RingState,
  step: string,
  { control, journal, clock, signal }: PublishPorts,
): Promise<StoredState> {
  await journal.record(step, { epoch: next.epoch })
  const startedMs = clock.nowMs()
  for (;;) {
    try {
      const published = (await control.compareAndSwap(stored, next)) ?? (await control.load())
      if (published && isDeepStrictEqual(published.state, next)) return published
      throw refused(
        'another operator has changed the ring meanwhile',
        'Nothing was lost. `cachectl ring status` shows where it is.',
      )
    } catch (error) {
      if (!isUnreachable(error) || clock.nowMs() - startedMs > patienceMs) throw error
      await clock.sleep(retryMs, signal)
    }
  }
}
