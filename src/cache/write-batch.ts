/**
 * One batch on its way to the source of truth: together, and one by one where that fails, so that what can't be written
 * holds up nothing else.
 */
import { redact } from '../errors.js'
import type { Random } from '../random.js'
import { isPoison } from './call-writer.js'

export type Outcome =
  | { readonly kind: 'written' }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** It can never be written. */
  | { readonly kind: 'poison'; readonly error: unknown }
  /** The source seems to be away: it was not tried alone. */
  | { readonly kind: 'untried' }

/** So many in a row that fail, before any has gone well, and the source counts as away. */
const awayAfter = 5

/** Outcomes in the order of the items. `write` throws unless all that it was given is written. */
export async function writeBatch<T>(
  items: readonly T[],
  {
    write,
    random,
    signal,
  }: { write(items: readonly T[]): Promise<void>; random: Random; signal: AbortSignal },
): Promise<Outcome[]> {
  const whole = await attempt(() => write(items))
  if (whole.kind === 'written' || items.length === 1) return items.map(() => whole)
  const outcomes: Outcome[] = items.map(() => ({ kind: 'untried' }))
  let failures = 0
  let hasWritten = false
  // in no order: rows that can't be written may stand together
  for (const index of shuffled(items.length, random)) {
    if (signal.aborted || (!hasWritten && failures >= awayAfter)) break
    const outcome = await attempt(() => write([items[index]!]))
    outcomes[index] = outcome
    if (outcome.kind === 'written') hasWritten = true
    if (outcome.kind === 'failed') failures += 1
  }
  return outcomes
}

async function attempt(write: () => Promise<void>): Promise<Outcome> {
  try {
    await write()
    return { kind: 'written' }
  } catch (error) {
    return { kind: isPoison(error) ? 'poison' : 'failed', error }
  }
}

/** Fisher and Yates. */
function shuffled(length: number, random: Random): number[] {
  const order = Array.from({ length }, (_, index) => index)
  for (let last = length - 1; last > 0; last--) {
    const other = random.below(last + 1)
    const held = order[last]!
    order[last] = order[other]!
    order[other] = held
  }
  return order
}

/** As it is: whoever shows it escapes it. */
export function failureText(error: unknown): string {
  return redact(error instanceof Error ? error.message || error.name : String(error))
}
