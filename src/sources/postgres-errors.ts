/**
 * PostgreSQL's errors by what can be done about them (SQLSTATE, PostgreSQL's appendix A): bad rows are poison, a table
 * that is not as it was described is `invalid`, and all others stay as they are: the same may go well later.
 */

import { CachectlError, describeError, invalid, refused, unreachable } from '../errors.js'
import { printable } from '../printable.js'
import { PoisonRowsError } from './poison-rows-error.js'
import type { TableShape } from './postgres-options.js'

/**
 * 22 data exception, 23 integrity constraint, 44 WITH CHECK OPTION, 21 two spellings of one key in a batch, 54000 a key
 * too long for its index, P0001 what a trigger of the application refuses.
 */
const poisonCodes = /^(?:2[123]|44)...$|^54000$|^P0001$/

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** What to throw instead of PostgreSQL's own error of a write. */
export function writeFailure(error: unknown, keys: readonly string[], shape: TableShape): unknown {
  if (poisonCodes.test(codeOf(error) ?? '')) {
    const [first = ''] = keys
    const which = keys.length === 1 ? `the row of key ${printable(first, 80)}` : `one of ${keys.length} rows`
    return new PoisonRowsError(`${which} can't be written: ${reasonOf(error)}`, keys, { cause: error })
  }
  return shapeFailure(error, shape)
}

/** The same for whatever else is asked of the table. */
export function shapeFailure(error: unknown, shape: TableShape): unknown {
  const reason = () => `table ${printable(shape.table)}: ${describeError(error)}`
  switch (codeOf(error)) {
    case '42P01':
      return invalid(
        reason(),
        `Call setUp(), which makes ${printable(shape.fenceTable)}; a schema is an option of its own, names are taken as they are.`,
        error,
      )
    case '42703':
    case '42883':
      return invalid(reason(), 'Check keyColumn, valueColumn, columns and versionColumn.', error)
    case '42P10':
      return invalid(
        reason(),
        `Make a unique index of its own on ${printable(shape.keyColumn)}: it tells which row is written.`,
        error,
      )
    default:
      return error
  }
}

/** PostgreSQL's errors as a command reports them. */
export function asCachectlError(error: unknown): CachectlError {
  if (error instanceof CachectlError) return error
  // localhost has two addresses, and each said no
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const text = `PostgreSQL: ${describeError(first)}`
  switch (codeOf(first)?.slice(0, 2)) {
    case '22':
    case '3D':
      return invalid(text, 'Check the database and the key column: its type must be that of the keys.', error)
    case '42':
      return refused(text, 'Grant SELECT on the table to this user.', error)
    default:
      return unreachable(text, 'Check the server, its user, and PGPASSWORD or ~/.pgpass.', error)
  }
}

/** With the detail, which names the constraint's value; both may hold data of the row. */
function reasonOf(error: unknown): string {
  const detail = error instanceof Error && 'detail' in error ? error.detail : undefined
  return typeof detail === 'string'
    ? `${describeError(error)} (${printable(detail, 200)})`
    : describeError(error)
}
