/**
 * Whether a history of one key has a linear order that explains every answer (Wing & Gong, with the memory of Lowe's
 * "Testing for linearizability"): each operation takes effect at one moment between its call and its return.
 */

export type Effect =
  | { readonly kind: 'get'; readonly answer: string | null }
  | { readonly kind: 'set'; readonly value: string }
  /** `answer` is undefined where it is not known. */
  | { readonly kind: 'del'; readonly answer: number | undefined }
  | { readonly kind: 'incr'; readonly answer: number | undefined }
  /** The answer is the new length. */
  | { readonly kind: 'append'; readonly more: string; readonly answer: number | undefined }
  /** A value that begins so is gone from here on; any other stays. */
  | { readonly kind: 'expire'; readonly head: string }

export interface Operation {
  readonly effect: Effect
  /** Of one clock for all processes. */
  readonly called: number
  /** Infinity: the outcome is unknown; it may have happened at any time since, or never. */
  readonly returned: number
}

interface Entry {
  readonly operation: number
  readonly isCall: boolean
  previous: Entry | undefined
  next: Entry | undefined
}

/** A choice that was made, and what else could be tried in its place. */
interface Choice {
  readonly candidates: readonly Entry[]
  next: number
  readonly value: string | null
  readonly done: bigint
  chosen: Entry | undefined
}

/** Keys start absent, or with `first`. */
export function isLinearizable(history: readonly Operation[], first: string | null = null): boolean {
  const head = toEntries(history)
  const returns = new Map<number, Entry>()
  for (let each = head.next; each; each = each.next) if (!each.isCall) returns.set(each.operation, each)
  const isOpen = ({ operation }: Entry) => history[operation]!.returned === Number.POSITIVE_INFINITY
  let left = history.filter(({ returned }) => returned !== Number.POSITIVE_INFINITY).length
  const seen = new Set<string>()
  const choiceOf = (value: string | null, done: bigint): Choice => {
    return { candidates: candidatesOf(head, isOpen), next: 0, value, done, chosen: undefined }
  }
  const stack = [choiceOf(first, 0n)]
  // what may never have happened need not be placed
  while (left > 0) {
    const choice = stack.at(-1)
    if (!choice) return false
    if (choice.chosen) {
      unlift(choice.chosen, returns.get(choice.chosen.operation)!)
      if (!isOpen(choice.chosen)) left += 1
      choice.chosen = undefined
    }
    const entry = choice.candidates[choice.next++]
    if (!entry) {
      stack.pop()
      continue
    }
    const after = apply(history[entry.operation]!.effect, choice.value)
    if (after === undefined || (isOpen(entry) && after === choice.value)) continue
    const done = choice.done | (1n << BigInt(entry.operation))
    const memory = `${done.toString(36)} ${after}`
    if (seen.has(memory)) continue
    seen.add(memory)
    choice.chosen = entry
    lift(entry, returns.get(entry.operation)!)
    if (!isOpen(entry)) left -= 1
    stack.push(choiceOf(after, done))
  }
  return true
}

/** Calls that may come next, those of a known outcome first: every other one is tried only where it is needed. */
function candidatesOf(head: Entry, isOpen: (entry: Entry) => boolean): Entry[] {
  const known: Entry[] = []
  const open: Entry[] = []
  for (let each = head.next; each?.isCall; each = each.next) (isOpen(each) ? open : known).push(each)
  return [...known, ...open]
}

/** The value afterwards; undefined: this answer is impossible now. */
function apply(effect: Effect, value: string | null): string | null | undefined {
  switch (effect.kind) {
    case 'get':
      return effect.answer === value ? value : undefined
    case 'set':
      return effect.value
    case 'del':
      return effect.answer === undefined || effect.answer === (value === null ? 0 : 1) ? null : undefined
    case 'incr': {
      const next = Number(value ?? 0) + 1
      return effect.answer === undefined || effect.answer === next ? String(next) : undefined
    }
    case 'append': {
      const next = (value ?? '') + effect.more
      return effect.answer === undefined || effect.answer === next.length ? next : undefined
    }
    case 'expire':
      return value?.startsWith(effect.head) ? null : value
    default:
      return effect satisfies never
  }
}

function toEntries(history: readonly Operation[]): Entry {
  const events = history.flatMap(({ called, returned }, operation) => [
    { at: called, operation, isCall: true },
    { at: returned, operation, isCall: false },
  ])
  // at one time calls come first: then more orders are allowed, never fewer
  events.sort((a, b) => (a.at === b.at ? Number(b.isCall) - Number(a.isCall) : a.at < b.at ? -1 : 1))
  const head: Entry = { operation: -1, isCall: true, previous: undefined, next: undefined }
  let last = head
  for (const { operation, isCall } of events) {
    const entry: Entry = { operation, isCall, previous: last, next: undefined }
    last.next = entry
    last = entry
  }
  return head
}

function lift(call: Entry, done: Entry): void {
  for (const entry of [call, done]) {
    entry.previous!.next = entry.next
    if (entry.next) entry.next.previous = entry.previous
  }
}

function unlift(call: Entry, done: Entry): void {
  for (const entry of [done, call]) {
    entry.previous!.next = entry
    if (entry.next) entry.next.previous = entry
  }
}
