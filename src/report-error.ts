/** The one way an error leaves the program: redacted, with its remedy, as text or as JSON; a stack only with DEBUG. */
import { CachectlError, describeError, type ExitCode, redact, toExitCode } from './errors.js'

export interface ErrorReport {
  readonly schema: 'cachectl/error/v1'
  readonly error: { readonly message: string; readonly exitCode: ExitCode; readonly remedy?: string }
}

export function toErrorReport(error: unknown): ErrorReport {
  const remedy = error instanceof CachectlError ? error.remedy : undefined
  return {
    schema: 'cachectl/error/v1',
    error: { message: messageOf(error), exitCode: exitCodeOf(error), ...(remedy ? { remedy } : {}) },
  }
}

/** Prints the error (JSON to stdout, text to stderr) and sets the exit code. */
export function reportError(error: unknown, options: { readonly json: boolean }): void {
  if (process.env.DEBUG && error instanceof Error) process.stderr.write(`${redact(error.stack ?? '')}\n`)
  const report = toErrorReport(error)
  const { message, remedy, exitCode } = report.error
  if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  else process.stderr.write(`cachectl: ${message}${remedy ? `\n${remedy}` : ''}\n`)
  process.exitCode = exitCode
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CachectlError) return error.exitCode
  const oclif = error instanceof Error && 'oclif' in error ? (error.oclif as { exit?: number }) : undefined
  return toExitCode(oclif?.exit)
}

/** Our own messages keep their line breaks: their untrusted parts were escaped where they were put in. */
function messageOf(error: unknown): string {
  if (error instanceof CachectlError) return redact(error.message)
  if (error instanceof Error && 'oclif' in error) return redact(error.message)
  return `internal error: ${describeError(error)} (run with DEBUG=cachectl for the stack, and please report it)`
}
