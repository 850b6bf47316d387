/** What write-behind has given up: listed, tried again, or dropped. */
import type { DeadLetter, DeadLettersPort, LetterOutcome } from '../cache/journal-port.js'
import { invalid } from '../errors.js'
import { printable } from '../printable.js'

export interface DeadLettersRequest {
  readonly namespace?: string
  readonly action: 'list' | 'retry' | 'drop'
  /** undefined: all. */
  readonly keys: readonly string[] | undefined
}

export interface ListedLetter extends DeadLetter {
  /** What was done with it; absent: listed only. */
  readonly outcome?: LetterOutcome
}

export interface DeadLettersResult {
  readonly schema: 'cachectl/dead-letters/v1'
  readonly action: DeadLettersRequest['action']
  readonly letters: readonly ListedLetter[]
}

/** Errors: `invalid` for a key that has no dead letter; nothing was done then. */
export async function handleDeadLetters(
  { namespace, action, keys }: DeadLettersRequest,
  port: DeadLettersPort,
): Promise<DeadLettersResult> {
  const found = await port.list(namespace)
  const missing = keys?.find((key) => !found.some((letter) => letter.key === key))
  if (missing !== undefined)
    throw invalid(
      `no dead letter for ${printable(missing, 80)}`,
      'Without --retry and --drop all are listed.',
    )
  const chosen = keys ? found.filter(({ key }) => keys.includes(key)) : found
  const letters: ListedLetter[] = []
  for (const letter of chosen)
    letters.push(action === 'list' ? letter : { ...letter, outcome: await port[action](letter) })
  return { schema: 'cachectl/dead-letters/v1', action, letters }
}
