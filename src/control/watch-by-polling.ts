/** Watching a store by asking it: ten small reads a second find every change within a tenth of one. */
import type { StoredState } from '../cache/ports.js'
import type { Clock } from '../clock.js'

const intervalMs = 100

/** Yields a state when its revision is new. An error of `load` is thrown to the watcher, who may watch again. */
export async function* watchByPolling(
  load: () => Promise<StoredState | undefined>,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<StoredState> {
  let seen: string | undefined
  while (!signal.aborted) {
    const stored = await load()
    if (stored && stored.revision !== seen) {
      seen = stored.revision
      yield stored
    }
    await clock.sleep(intervalMs, signal).catch(() => undefined)
  }
}
