/** One call of a writer to the source of truth, within its time. */
import { stopped } from '../errors.js'
import { printable } from '../printable.js'
import type { SourceWriter } from './options.js'

/** This value can never be written, however often it is tried: write-behind puts it among the dead letters at once. */
export class PoisonError extends Error {
  override readonly name = 'PoisonError'
  readonly poison = true
}

/** Also an error of another copy of this library, or one that a writer has marked by itself. */
export function isPoison(error: unknown): boolean {
  return error instanceof Error && 'poison' in error && error.poison === true
}

/** Errors: the writer's own; `stopped` when it takes longer than `timeoutMs`. */
export async function callWriter<V>(
  write: SourceWriter<V>,
  batch: ReadonlyMap<string, V | null>,
  { seqs, timeoutMs }: { readonly seqs: ReadonlyMap<string, bigint>; readonly timeoutMs: number },
): Promise<void> {
  const ending = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = stopped(
        `writing ${subjectOf(batch)} took longer than ${timeoutMs} ms`,
        'Whether the source of truth has it is unknown.',
      )
      ending.abort(error)
      reject(error)
    }, timeoutMs)
  })
  try {
    await Promise.race([write(batch, { seqs, signal: ending.signal }), late])
  } finally {
    clearTimeout(timer)
  }
}

function subjectOf(batch: ReadonlyMap<string, unknown>): string {
  const [first] = batch.keys()
  return batch.size === 1 ? printable(first!, 80) : `${batch.size} keys`
}
