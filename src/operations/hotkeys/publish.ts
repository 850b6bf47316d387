/** Changes the published hot set: read, changed, and replaced where nobody was quicker. */
import { isDeepStrictEqual } from 'node:util'
import type { ControlStore } from '../../cache/ports.js'
import type { Clock } from '../../clock.js'
import { invalid, refused } from '../../errors.js'
import {
  formatHotSet,
  type HotSet,
  hotSetNotice,
  type LocalKey,
  maxHotKeys,
  noHotSet,
  type SplitKey,
} from '../../hotkeys/hot-set.js'
import { parseHotSet } from '../../hotkeys/parse-hot-set.js'
import { printable } from '../../printable.js'

export interface HotSetBoard {
  readonly control: Pick<ControlStore, 'name' | 'notice' | 'putNotice' | 'replaceNotice'>
  readonly clock: Clock
  /** Who publishes, for people. */
  readonly by: string
}

/** Is done again, over what another publisher has written in between. */
export type HotSetChange = (set: HotSetKeys) => HotSetKeys
export type HotSetKeys = Pick<HotSet, 'local' | 'split'>

const maxAttempts = 5

/** Errors: `refused` for a hot set of another version. */
export async function readHotSet({ control }: Pick<HotSetBoard, 'control'>): Promise<HotSet> {
  return hotSetIn(await control.notice(hotSetNotice), control.name)
}

function hotSetIn(text: string | undefined, store: string): HotSet {
  if (text === undefined) return noHotSet
  const set = parseHotSet(text)
  if (set) return set
  throw refused(
    `control store ${printable(store)}: its hot set was written by another version of cachectl`,
    'Use that version, or take the hot set away with `cachectl hotkeys publish --clear` and publish it anew.',
  )
}

/**
 * The set that stands there with the change in it. A change that is there already writes nothing. Errors: `invalid` for
 * too many keys, `refused` when others publish all the time, `unreachable`.
 */
export async function changeHotSet(change: HotSetChange, board: HotSetBoard): Promise<HotSet> {
  const { control, clock, by } = board
  for (let attempt = 0; ; attempt++) {
    const text = await control.notice(hotSetNotice)
    const found = hotSetIn(text, control.name)
    const current = living(found, clock.wallMs())
    const next = sorted(change(current))
    if (isDeepStrictEqual(next, sorted(current))) return { ...found, ...current }
    if (attempt === maxAttempts)
      throw refused(
        `control store ${printable(control.name)}: others have published ${maxAttempts} times in between`,
        'Nothing of yours is lost but this change: try again, or end the other publisher.',
      )
    for (const keys of [next.local, next.split])
      if (keys.length > maxHotKeys)
        throw invalid(`${keys.length} keys: a hot set has at most ${maxHotKeys}`, 'Publish the hottest only.')
    const set = { generation: found.generation + 1, by, publishedMs: clock.wallMs(), ...next }
    if (await control.replaceNotice(hotSetNotice, text, formatHotSet(set))) return set
  }
}

/** Replaces the set, whatever it was: also one that this version can't read. */
export async function clearHotSet(board: HotSetBoard): Promise<HotSet> {
  const text = await board.control.notice(hotSetNotice)
  if (text !== undefined && !parseHotSet(text)) await board.control.putNotice(hotSetNotice, undefined)
  return changeHotSet(withoutLocal(), board)
}

/** A key that is there already stays for the longer of both times. */
export function withLocal(keys: readonly LocalKey[]): HotSetChange {
  return ({ local, split }) => {
    const byName = new Map(local.map((each) => [nameOf(each), each]))
    for (const each of keys) {
      const there = byName.get(nameOf(each))
      if (!there || there.untilMs < each.untilMs) byName.set(nameOf(each), each)
    }
    return { local: [...byName.values()], split }
  }
}

/** Without names: none stays. */
export function withoutLocal(keys?: readonly Buffer[]): HotSetChange {
  const names = keys && new Set(keys.map((key) => key.toString('latin1')))
  return ({ local, split }) => ({
    local: names ? local.filter((each) => !names.has(nameOf(each))) : [],
    split,
  })
}

export function withSplit(split: SplitKey): HotSetChange {
  return (set) => ({
    local: set.local,
    split: [...set.split.filter((each) => !each.key.equals(split.key)), split],
  })
}

export function withoutSplit(key: Buffer): HotSetChange {
  return ({ local, split }) => ({ local, split: split.filter((each) => !each.key.equals(key)) })
}

function living({ local, split }: HotSet, wallMs: number): HotSetKeys {
  return { local: local.filter(({ untilMs }) => untilMs > wallMs), split }
}

function sorted({ local, split }: HotSetKeys): HotSetKeys {
  const byKey = (a: { readonly key: Buffer }, b: { readonly key: Buffer }) => Buffer.compare(a.key, b.key)
  return { local: [...local].sort(byKey), split: [...split].sort(byKey) }
}

function nameOf({ key }: { readonly key: Buffer }): string {
  return key.toString('latin1')
}
