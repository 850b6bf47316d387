/** Tells on the notice board how far the keys have moved, about once a second, for `ring status` on any host. */
import type { ControlStore } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { putProgress, readProgress } from './notices.js'

const tellMs = 1_000

export interface Moved {
  readonly movedCount: number
  readonly movedBytes: number
}

/** `body` says what this operator has moved so far; what others moved in the same epoch before is added. */
export async function withProgressTold<T>(
  { epoch, expectedKeyCount }: { epoch: number; expectedKeyCount: number },
  { control, clock }: { control: ControlStore; clock: Clock },
  body: (onProgress: (moved: Moved) => void) => Promise<T>,
): Promise<T> {
  const found = await readProgress(control).catch(() => undefined)
  const earlier = found?.epoch === epoch ? found : { movedKeyCount: 0, movedBytes: 0, expectedKeyCount }
  const startedMs = clock.nowMs()
  let moved: Moved = { movedCount: 0, movedBytes: 0 }
  const tell = () =>
    putProgress(control, {
      epoch,
      movedKeyCount: earlier.movedKeyCount + moved.movedCount,
      movedBytes: earlier.movedBytes + moved.movedBytes,
      expectedKeyCount: earlier.expectedKeyCount,
      keysPerSec: moved.movedCount / Math.max(0.001, (clock.nowMs() - startedMs) / 1000),
      atMs: clock.wallMs(),
    }).catch(() => undefined) // for people only: the work does not wait for the board
  const ended = new AbortController()
  const telling = (async () => {
    while (!ended.signal.aborted) {
      await tell()
      await clock.sleep(tellMs, ended.signal).catch(() => undefined)
    }
  })()
  try {
    return await body((now) => {
      moved = now
    })
  } finally {
    ended.abort()
    await telling
    await tell()
  }
}
