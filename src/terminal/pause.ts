/** `ring pause` for people and scripts. */
import type { RingStatus } from '../operations/ring-status.js'
import { printable } from '../printable.js'
import { describeProgress } from './status.js'

export interface Paused extends Pick<RingStatus, 'epoch' | 'phase' | 'progress'> {
  readonly schema: 'cachectl/pause/v1'
  /** The operator that has stopped; null: the change stood still already. */
  readonly stopped: string | null
}

export function toPaused({ epoch, phase, progress }: RingStatus, stopped: string | undefined): Paused {
  return { schema: 'cachectl/pause/v1', stopped: stopped ?? null, epoch, phase, progress }
}

export function renderPause({ stopped, epoch, phase, progress }: Paused): string {
  const moved =
    phase === 'prepare'
      ? ['No key has moved: `cachectl ring abort` takes the change back.']
      : progress
        ? [`Moved ${describeProgress(progress)}.`]
        : []
  return [
    stopped === null
      ? 'Nobody is at work on the change: it stands still already.'
      : `Paused: ${printable(stopped)} has stopped.`,
    `It is in epoch ${epoch}, ${phase}.`,
    ...moved,
    'Clients read and write on. `cachectl ring resume` goes on.',
  ].join('\n')
}
