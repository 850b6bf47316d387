/** What goes wrong, in one shape: what, where, what next, and the exit code. One exit redacts secrets. */
import { getSystemErrorMap } from 'node:util'
import { printable } from './printable.js'

/** The table of exit codes; `--help`, the README and docs/exit-codes.md repeat it. */
export const ExitCode = {
  ok: 0,
  bug: 1,
  invalid: 2,
  found: 3,
  unreachable: 4,
  refused: 5,
  stopped: 6,
  interrupted: 130,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** Of a number from outside; what is none of ours is a bug. */
export function toExitCode(number: number | undefined): ExitCode {
  return Object.values(ExitCode).find((code) => code === number) ?? ExitCode.bug
}

/** An error a user can act on: `message` says what and where, `remedy` what to do next. */
export class CachectlError extends Error {
  override readonly name = 'CachectlError'
  readonly exitCode: ExitCode
  readonly remedy: string | undefined

  constructor(message: string, options: { exitCode: ExitCode; remedy?: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.exitCode = options.exitCode
    this.remedy = options.remedy
  }
}

/** An error as another thread, process or machine has told it. */
export function toldError({
  message,
  exitCode,
  remedy,
}: {
  readonly message: string
  readonly exitCode: number
  readonly remedy?: string | undefined
}): CachectlError {
  return new CachectlError(message, { exitCode: toExitCode(exitCode), ...(remedy ? { remedy } : {}) })
}

export function invalid(message: string, remedy?: string, cause?: unknown): CachectlError {
  return new CachectlError(message, { exitCode: ExitCode.invalid, ...(remedy ? { remedy } : {}), cause })
}

export function unreachable(message: string, remedy?: string, cause?: unknown): CachectlError {
  return new CachectlError(message, { exitCode: ExitCode.unreachable, ...(remedy ? { remedy } : {}), cause })
}

export function refused(message: string, remedy?: string, cause?: unknown): CachectlError {
  return new CachectlError(message, { exitCode: ExitCode.refused, ...(remedy ? { remedy } : {}), cause })
}

export function stopped(message: string, remedy?: string, cause?: unknown): CachectlError {
  return new CachectlError(message, { exitCode: ExitCode.stopped, ...(remedy ? { remedy } : {}), cause })
}

/** The same error with one more line of what to do next. */
export function withRemedy(error: CachectlError, line: string): CachectlError {
  const remedy = error.remedy ? `${error.remedy}\n${line}` : line
  return new CachectlError(error.message, { exitCode: error.exitCode, remedy, cause: error })
}

/** A node or a store did not answer: the same may go well later. */
export function isUnreachable(error: unknown): error is CachectlError {
  return error instanceof CachectlError && error.exitCode === ExitCode.unreachable
}

const secrets = new Set<string>()

/** Every password that is read is registered here before it is used. */
export function registerSecret(secret: string): void {
  if (secret.length > 0) secrets.add(secret)
}

/** Masks registered secrets and the password part of URLs. */
export function redact(text: string): string {
  let safe = text.replace(/(:\/\/[^\s/:@]*):[^\s/@]*@/g, '$1:***@')
  for (const secret of secrets) safe = safe.replaceAll(secret, '***')
  return safe
}

/**
 * The message of anything thrown, fit for a screen. Only `message` is read: errors of the Redis client carry the
 * command's arguments, passwords among them, in other fields.
 */
export function describeError(error: unknown): string {
  const text = error instanceof Error ? systemReason(error) || error.message || error.name : String(error)
  return printable(redact(text))
}

/** `connection refused` rather than `connect ECONNREFUSED 127.0.0.1:7001`: the caller has named the place. */
function systemReason(error: Error): string | undefined {
  if (!('errno' in error) || typeof error.errno !== 'number') return undefined
  const [code, reason] = getSystemErrorMap().get(error.errno) ?? []
  return reason && `${reason} (${code})`
}
