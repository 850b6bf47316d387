/** Asks the operator at work to stop at a safe point, and waits until it has. */
import type { ControlStore } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { refused, stopped } from '../errors.js'
import { printable } from '../printable.js'
import { clearPause, putPause } from './notices.js'
import type { ProgressPort } from './ports.js'

export interface PauseRequest {
  /** Who asks, for others: `pid 812 on host a`. */
  readonly by: string
  /** Batches under way are finished first, and a big key. */
  readonly patienceMs: number
}

export interface PausePorts {
  readonly control: ControlStore
  readonly clock: Clock
  readonly progress: ProgressPort
  readonly signal: AbortSignal
}

const pollMs = 100

/** The operator that was at work; undefined: nobody was, so the change stood still already. */
export async function pauseChange(request: PauseRequest, ports: PausePorts): Promise<string | undefined> {
  const { control, clock, progress } = ports
  const holder = await control.leaseHolder()
  const stored = await control.load()
  if (!stored || stored.state.phase === 'stable') {
    if (holder === undefined)
      throw refused('no change of the ring is under way', '`cachectl ring status` shows where it is.')
    throw refused(
      `${printable(holder)} is at work, but no key moves yet, or no more`,
      'There is nothing to pause at this moment; `cachectl ring status` shows where it is.',
    )
  }
  if (holder === undefined) return undefined
  await putPause(control, { by: request.by, sinceMs: clock.wallMs(), holder })
  try {
    await untilStopped(holder, request, ports)
  } finally {
    progress.end()
  }
  const [now, successor] = [await control.load(), await control.leaseHolder()]
  if (now?.state.phase === 'stable') {
    await clearPause(control)
    throw refused('the change has ended before it could pause', 'There is nothing left to pause.')
  }
  if (successor !== undefined)
    throw refused(`${printable(successor)} has gone on with the change`, 'Pause it again if it should not.')
  return holder
}

async function untilStopped(
  holder: string,
  { patienceMs }: PauseRequest,
  { control, clock, progress, signal }: PausePorts,
): Promise<void> {
  const startedMs = clock.nowMs()
  while ((await control.leaseHolder()) === holder) {
    const waitedMs = clock.nowMs() - startedMs
    if (waitedMs > patienceMs) {
      throw stopped(
        `${printable(holder)} is still at work after ${Math.round(patienceMs / 1000)} s`,
        'It has been asked, and stops when the keys under way have moved: `cachectl ring status` shows whether it has.',
      )
    }
    progress.update(`waiting for ${printable(holder)} to stop, ${Math.floor(waitedMs / 1000)} s`)
    await clock.sleep(pollMs, signal)
  }
}
