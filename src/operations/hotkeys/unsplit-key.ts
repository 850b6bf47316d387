/** Takes a split back: published first, then the copies go, and it is looked at until nobody can bring one back. */
import type { L2Port } from '../../cache/ports.js'
import { freshToken } from '../../cache/token.js'
import type { Clock } from '../../clock.js'
import { refused, stopped } from '../../errors.js'
import { copyName, type HotSet, type SplitKey } from '../../hotkeys/hot-set.js'
import { printable } from '../../printable.js'
import { changeHotSet, type HotSetBoard, readHotSet, withoutSplit } from './publish.js'

export interface UnsplitPorts {
  readonly l2: Pick<L2Port, 'getOrLease' | 'remove' | 'ownerOf'>
  readonly board: HotSetBoard
  readonly clock: Clock
  readonly signal: AbortSignal
}

export interface UnsplitResult {
  readonly set: HotSet
  readonly copies: readonly { readonly salt: number; readonly node: string; readonly removed: number }[]
  readonly waitedMs: number
}

/** Every process has the new set within 1 s; what it had begun before it fills under a lease of at most 500 ms. */
const quietMs = 1_500
const pollMs = 50
const patienceMs = 20_000

/** Errors: `refused` for a key that is not split, `stopped` when some process goes on making copies. */
export async function unsplitKey(
  { key, hashTag }: { readonly key: Buffer; readonly hashTag: string | undefined },
  ports: UnsplitPorts,
): Promise<UnsplitResult> {
  const { l2, board, clock } = ports
  const split = (await readHotSet(board)).split.find((each) => each.key.equals(key))
  if (!split)
    throw refused(`${printable(key, 80)} is not split`, '`cachectl hotkeys published` lists what is.')
  const set = await changeHotSet(withoutSplit(key), board)
  const startedMs = clock.nowMs()
  const removed = await removeUntilQuiet(split, hashTag, ports)
  const copies = split.salts.map((salt, index) => {
    return { salt, node: l2.ownerOf(copyName(key, salt, hashTag)), removed: removed[index]! }
  })
  return { set, copies, waitedMs: clock.nowMs() - startedMs }
}

/** How often each copy had to be removed. */
async function removeUntilQuiet(
  { key, salts }: SplitKey,
  hashTag: string | undefined,
  { l2, clock, signal }: UnsplitPorts,
): Promise<number[]> {
  const names = salts.map((salt) => copyName(key, salt, hashTag))
  const removed = names.map(() => 0)
  const startedMs = clock.nowMs()
  let lastSeenMs = startedMs
  for (;;) {
    const there = await Promise.all(names.map((name) => isThere(name, l2)))
    const found = names.filter((_, index) => there[index])
    await Promise.all(found.map((name) => l2.remove([name])))
    there.forEach((is, index) => {
      if (is) removed[index]! += 1
    })
    const nowMs = clock.nowMs()
    if (found.length > 0) lastSeenMs = nowMs
    else if (nowMs - lastSeenMs >= quietMs) return removed
    if (nowMs - startedMs > patienceMs)
      throw stopped(
        `${printable(key, 80)}: copies come back after ${patienceMs / 1_000} s`,
        'The key is published as split no more. A process that does not hear from the control store still makes copies, which live for 500 ms each: `cachectl ring status` lists the processes.',
      )
    await clock.sleep(pollMs, signal)
  }
}

/** A lease is a copy that is being made. */
async function isThere(name: Buffer, l2: Pick<L2Port, 'getOrLease'>): Promise<boolean> {
  const [found] = await l2.getOrLease([name], { token: freshToken(), leaseMs: 0 })
  return found !== undefined && found.kind !== 'absent'
}
