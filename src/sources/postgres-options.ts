/** What an application says about its table, checked once. */
import type { Pool } from 'pg'
import { invalid } from '../errors.js'

/** A row as PostgreSQL's JSON says it: times are ISO 8601 texts, `bytea` is `\x` and hex digits. */
export type Row = Readonly<Record<string, unknown>>

export interface PostgresSourceOptions<V> {
  /** Yours; `close` leaves it open. Listen to its `error` events, as `pg` asks for. */
  readonly pool?: Pool
  /** Where there is no pool: `postgres://user@host/database`; absent: PGHOST, PGDATABASE and so on. */
  readonly connectionString?: string
  /** Names are taken as they are: a dot or capitals are part of them. */
  readonly table: string
  /** Default: what the connection's search_path finds. */
  readonly schema?: string
  /** It needs a unique index of its own. Default `key`. */
  readonly keyColumn?: string
  /** One column is the value, any that JSON can say; jsonb by default in `setUp`. Default `value`. */
  readonly valueColumn?: string
  /** The value is an object of these columns. */
  readonly columns?: readonly string[]
  /** With `columns`: a row of them as a value. */
  fromRow?(row: Row): V
  /** With `columns`: a value as a row of them; what is absent becomes NULL. */
  toRow?(value: V): Row
  /** An integer column and, by the same name, a property of each value: a write changes older rows only. */
  readonly versionColumn?: string
  /** Where writes with a sequence number leave it; in the same schema. Default `cachectl_fence`. */
  readonly fenceTable?: string
  /** Whose numbers these are in the fence table: the same for all writers of the table. Default: schema and table. */
  readonly name?: string
}

/** The same with nothing left open. */
export interface TableShape {
  readonly table: string
  readonly schema: string | undefined
  readonly keyColumn: string
  readonly content:
    | { readonly kind: 'value'; readonly column: string }
    | { readonly kind: 'columns'; readonly columns: readonly string[] }
  readonly versionColumn: string | undefined
  readonly fenceTable: string
  readonly fenceName: string
}

/** PostgreSQL cuts longer names, and might find another table. */
const longestNameBytes = 63

/** Errors: `invalid`, naming the option. */
export function shapeOf<V>(options: PostgresSourceOptions<V>): TableShape {
  const { table, schema, keyColumn = 'key', versionColumn, fenceTable = 'cachectl_fence' } = options
  const { columns, valueColumn, pool, connectionString } = options
  if (pool && connectionString !== undefined) throw invalid('pool and connectionString: give one of them')
  if (columns && valueColumn !== undefined) throw invalid('columns and valueColumn: give one of them')
  if (columns?.length === 0) throw invalid('columns: it names none')
  if (columns?.includes(keyColumn)) throw invalid('columns: the key is no part of the value')
  if (!columns && (options.toRow || options.fromRow)) throw invalid('toRow and fromRow: they need columns')
  if (columns && versionColumn !== undefined && !columns.includes(versionColumn))
    throw invalid('versionColumn: it must be one of columns')
  const named = { table, schema, keyColumn, valueColumn, versionColumn, fenceTable }
  for (const [option, name] of Object.entries(named)) if (name !== undefined) checkName(option, name)
  for (const column of columns ?? []) checkName('columns', column)
  return {
    table,
    schema,
    keyColumn,
    content: columns
      ? { kind: 'columns', columns: [...new Set(columns)] }
      : { kind: 'value', column: valueColumn ?? 'value' },
    versionColumn,
    fenceTable,
    fenceName: options.name ?? (schema === undefined ? table : `${schema}.${table}`),
  }
}

function checkName(option: string, name: string): void {
  if (name === '' || name.includes('\0')) throw invalid(`${option}: PostgreSQL has no such name`)
  if (Buffer.byteLength(name) > longestNameBytes)
    throw invalid(`${option}: PostgreSQL's names have at most ${longestNameBytes} bytes`)
}
