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

export interface WriterCall {
  readonly seqs: ReadonlyMap<string, bigint>
  readonly timeoutMs: number
  /** Gives it up. */
  readonly signal?: AbortSignal
}

/** Errors: the writer's own; `stopped` when it takes longer than `timeoutMs`, or is given up. */
export async function callWriter<V>(
  write: SourceWriter<V>,
  batch: ReadonlyMap<string, V | null>,
  { seqs, timeoutMs, signal }: WriterCall,
): Promise<void> {
  const ending = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let giveUp: (why: string) => void = () => {}
  const late = new Promise<never>((_, reject) => {
    giveUp = (why) => {
      const error = stopped(
        `writing ${subjectOf(batch)} ${why}`,
        'Whether the source of truth has it is unknown.',
      )
      ending.abort(error)
      reject(error)
    }
    timer = setTimeout(() => giveUp(`took longer than ${timeoutMs} ms`), timeoutMs)
  })
  const onAbort = () => giveUp('was given up')
  signal?.addEventListener('abort', onAbort)
  try {
    await Promise.race([write(batch, { seqs, signal: ending.signal }), late])
  } finally {
    signal?.removeEventListener('abort', onAbort)
    clearTimeout(timer)
  }
}

function subjectOf(batch: ReadonlyMap<string, unknown>): string {
  const [first] = batch.keys()
  return batch.size === 1 ? printable(first!, 80) : `${batch.size} keys`
}
