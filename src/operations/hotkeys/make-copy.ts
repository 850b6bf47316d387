/** Makes one copy of a split key as the library's readers do, and compares it with its original. */
import { copyLifeMs, decodeCopy, encodeCopy } from '../../cache/copy-body.js'
import type { L2Port, StoredValue } from '../../cache/ports.js'
import { freshToken } from '../../cache/token.js'
import type { Clock } from '../../clock.js'
import { isUnreachable, refused, stopped } from '../../errors.js'
import { printable } from '../../printable.js'

export interface CopyPorts {
  readonly l2: Pick<L2Port, 'getOrLease' | 'fill' | 'ownerOf'>
  readonly clock: Clock
  readonly signal: AbortSignal
}

export interface MadeCopy {
  readonly bytes: number
  /** Until it expires, by its node. */
  readonly leftMs: number
  /** By us; else a process of the library was faster. */
  readonly isOurs: boolean
}

/** What the owner has; errors: `refused` with the reason why that can't be split. */
export async function readOriginal(
  key: Buffer,
  l2: Pick<L2Port, 'getOrLease'>,
  describeForeign: (key: Buffer) => Promise<string | undefined>,
): Promise<StoredValue> {
  const name = printable(key, 80)
  const foreign = async () => {
    const why = await describeForeign(key)
    return why && refused(`${name}: ${why}`, 'Only values of the cache library can be split.')
  }
  const look = { token: freshToken(), leaseMs: 0 }
  const [found] = await l2.getOrLease([key], look).catch(async (error: unknown) => {
    // its server refuses to read it as a string
    throw isUnreachable(error) ? error : ((await foreign()) ?? error)
  })
  switch (found?.kind) {
    case 'value':
      if (found.value.isPending)
        throw refused(
          `${name}: its value waits for the source (write-behind)`,
          'Try again when it has been written.',
        )
      return found.value
    case 'busy':
      throw refused(`${name}: it is being loaded at this moment`, 'Try again in a second.')
    case 'marked':
      throw refused(`${name}: it is being written at this moment`, 'Try again in a second.')
    default:
      throw refused(
        `${name}: ${await describeForeign(key)}`,
        'Only values of the cache library can be split.',
      )
  }
}

const maxAttempts = 8

/** Errors: `stopped` when its original changes all the time, or the copy is gone again each time. */
export async function makeCopy(
  key: Buffer,
  copy: Buffer,
  original: () => Promise<StoredValue>,
  { l2, clock, signal }: CopyPorts,
): Promise<MadeCopy> {
  let isOurs = false
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    signal.throwIfAborted()
    const token = freshToken()
    const before = await original()
    const [found] = await l2.getOrLease([copy], { token, leaseMs: copyLifeMs })
    if (found?.kind === 'leased') {
      // under the lease the owner is read anew: a write since takes the lease away
      isOurs = (await l2.fill(copy, { token, ...encodeCopy(await original()) })).isFilled
    } else if (found?.kind === 'value') {
      const { leftMs, body } = found.value
      const made = decodeCopy(found.value)
      const isSame = made?.stamp === before.stamp && made.body.equals(before.body)
      if (isSame && leftMs <= Math.min(copyLifeMs, before.leftMs))
        return { bytes: body.length, leftMs, isOurs }
      // a copy of what stood there before is over in 500 ms
      await clock.sleep(Math.max(1, Math.min(copyLifeMs, leftMs)), signal)
    } else {
      await clock.sleep(found?.kind === 'busy' ? Math.max(1, found.leftMs) : 50, signal)
    }
  }
  throw stopped(
    `node ${printable(l2.ownerOf(copy))}: no copy of ${printable(key, 80)} that is like its original after ${maxAttempts} attempts`,
    'Its value changes too often to be split, or the node is slow: `cachectl hotkeys unsplit` takes the key off again.',
  )
}
