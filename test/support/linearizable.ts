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
  const choiceOf = (value: string | null): Choice => {
    return { candidates: candidatesOf(head, isOpen), next: 0, value, chosen: undefined }
  }
  const done = new Done(history)
  const stack = [choiceOf(first)]
  // what may never have happened need not be placed
  while (left > 0) {
    const choice = stack.at(-1)
    if (!choice) return false
    if (choice.chosen) {
      unlift(choice.chosen, returns.get(choice.chosen.operation)!)
      done.delete(choice.chosen.operation)
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
    done.add(entry.operation)
    const memory = `${done.name()} ${after}`
    if (seen.has(memory)) {
      done.delete(entry.operation)
      continue
    }
    seen.add(memory)
    choice.chosen = entry
    lift(entry, returns.get(entry.operation)!)
    if (!isOpen(entry)) left -= 1
    stack.push(choiceOf(after))
  }
  return true
}

/**
 * Which operations have been placed. Its name is as long as operations overlap, not as long as the history: nearly all
 * that were called before the first one missing are in it.
 */
class Done {
  /** Position of each operation with a known outcome, in the order of calls. */
  private readonly positions = new Map<number, number>()
  private readonly placed: boolean[] = []
  private readonly unknown = new Set<number>()
  private count = 0
  private firstMissing = 0

  constructor(history: readonly Operation[]) {
    const known = history.flatMap(({ called, returned }, operation) =>
      returned === Number.POSITIVE_INFINITY ? [] : [{ called, operation }],
    )
    known.sort((a, b) => a.called - b.called)
    known.forEach(({ operation }, position) => {
      this.positions.set(operation, position)
      this.placed.push(false)
    })
  }

  add(operation: number): void {
    const position = this.positions.get(operation)
    if (position === undefined) {
      this.unknown.add(operation)
      return
    }
    this.placed[position] = true
    this.count += 1
    while (this.placed[this.firstMissing]) this.firstMissing += 1
  }

  delete(operation: number): void {
    const position = this.positions.get(operation)
    if (position === undefined) {
      this.unknown.delete(operation)
      return
    }
    this.placed[position] = false
    this.count -= 1
    this.firstMissing = Math.min(this.firstMissing, position)
  }

  name(): string {
    const ahead: number[] = []
    for (let at = this.firstMissing + 1; ahead.length < this.count - this.firstMissing; at++)
      if (this.placed[at]) ahead.push(at)
    return `${this.firstMissing} ${ahead.join()} ${[...this.unknown].sort((a, b) => a - b).join()}`
  }
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
