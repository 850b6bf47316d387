/** Values as the rows that PostgreSQL reads from JSON, and back. Pure. */

import { describeError } from '../errors.js'
import { printable } from '../printable.js'
import { PoisonRowsError } from './poison-rows-error.js'
import type { PostgresSourceOptions, TableShape } from './postgres-options.js'

export type RowCodec<V> = Pick<PostgresSourceOptions<V>, 'fromRow' | 'toRow'>

/** One row of a load's result. */
export interface LoadedRow {
  readonly key: string
  readonly value: string | null
  readonly version?: string | null
}

/** PostgreSQL's text is UTF-8 without NUL: under another key nothing can stand there. */
export function isStorable(key: string): boolean {
  return !key.includes('\0') && !/\p{Surrogate}/u.test(key)
}

/** Errors: `PoisonRowsError`, naming the row. */
export function rowText<V>(
  shape: TableShape,
  codec: RowCodec<V>,
  [key, value]: readonly [string, V],
): string {
  if (!isStorable(key)) throw poison(key, 'its key holds a character that PostgreSQL has no place for')
  try {
    const content = contentOf(shape, codec, value)
    return JSON.stringify({ ...content, [shape.keyColumn]: key })
  } catch (error) {
    throw poison(key, describeError(error), error)
  }
}

/** null: a row whose value is NULL is none. */
export function loadedValue<V>(shape: TableShape, codec: RowCodec<V>, row: LoadedRow): V | null {
  if (row.value === null) return null
  const value = JSON.parse(row.value)
  if (shape.content.kind === 'columns') return codec.fromRow ? codec.fromRow(value) : value
  // whoever changes the table by hand changes the column
  if (shape.versionColumn !== undefined && row.version != null && isObject(value))
    Object.assign(value, { [shape.versionColumn]: versionValue(row.version) })
  return value
}

/** What `version` of a cache is told. Errors: `TypeError` on a value without one. */
export function versionOf(value: unknown, column: string): bigint {
  const version = isObject(value) ? value[column] : undefined
  const isWhole =
    typeof version === 'bigint' ||
    Number.isSafeInteger(version) ||
    (typeof version === 'string' && /^\d+$/.test(version))
  const whole = isWhole ? BigInt(String(version)) : -1n
  if (whole < 0n) throw new TypeError(`its ${printable(column, 80)} is no whole number from 0`)
  return whole
}

function contentOf<V>(shape: TableShape, codec: RowCodec<V>, value: V): Record<string, unknown> {
  const { content, versionColumn } = shape
  if (content.kind === 'value') {
    const version =
      versionColumn === undefined ? {} : { [versionColumn]: String(versionOf(value, versionColumn)) }
    return { ...version, [content.column]: value }
  }
  const row: unknown = codec.toRow ? codec.toRow(value) : value
  if (!isObject(row)) throw new TypeError('it is no object of columns')
  if (versionColumn !== undefined) versionOf(row, versionColumn)
  return Object.fromEntries(content.columns.map((column) => [column, cellOf(row[column])]))
}

/** What JSON can't say, or says as null, as the text that PostgreSQL reads. */
function cellOf(cell: unknown): unknown {
  if (typeof cell === 'bigint') return String(cell)
  if (typeof cell === 'number' && !Number.isFinite(cell)) return String(cell)
  if (cell instanceof Uint8Array) return `\\x${Buffer.from(cell).toString('hex')}`
  return cell
}

function versionValue(text: string): number | string {
  const version = Number(text)
  return Number.isSafeInteger(version) ? version : text
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function poison(key: string, why: string, cause?: unknown): PoisonRowsError {
  return new PoisonRowsError(`the row of key ${printable(key, 80)} can't be written: ${why}`, [key], {
    cause,
  })
}
