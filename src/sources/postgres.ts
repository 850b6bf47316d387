/**
 * A PostgreSQL table as a cache's source of truth: `createCache({...postgresSource({table: 'products'}), …})`.
 *
 * Invariant: with sequence numbers a row changes only in the statement, or the transaction, that has raised its number
 * in the fence table; whoever comes with a smaller one changes nothing, also where the row is gone.
 */
import pg from 'pg'
import { invalid } from '../errors.js'
import { printable } from '../printable.js'
import { PoisonRowsError } from './poison-rows-error.js'
import { codeOf, shapeFailure, writeFailure } from './postgres-errors.js'
import { type PostgresSourceOptions, shapeOf, type TableShape } from './postgres-options.js'
import { isStorable, type LoadedRow, loadedValue, rowText, versionOf } from './postgres-rows.js'
import { inTransaction, withConnection } from './postgres-session.js'
import { type Statements, statementsOf } from './postgres-statements.js'

export { PoisonRowsError } from './poison-rows-error.js'
export type { PostgresSourceOptions, Row } from './postgres-options.js'

interface Waiting {
  readonly signal?: AbortSignal
}

export interface PostgresSource<V> {
  /** null: there is no such row. */
  load(key: string, context?: Waiting): Promise<V | null>
  /** One query; keys without a row are not in the result. */
  loadMany(keys: readonly string[], context?: Waiting): Promise<Map<string, V>>
  /**
   * All rows or none, null deletes; one statement, or one transaction where deletes are fenced. With `seqs` (a number for
   * each key; none at all: no fencing) only those rows change whose number is larger than any before. Errors: `PoisonRowsError`; `invalid` for a
   * table that is not as described; PostgreSQL's own and those of a lost connection, after which the same may go well.
   */
  write(
    batch: ReadonlyMap<string, V | null>,
    context?: Waiting & { readonly seqs?: ReadonlyMap<string, bigint> },
  ): Promise<void>
  /** Present with `versionColumn`. */
  readonly version?: (value: V) => bigint
  /** Makes the fence table where it is not there yet, and with `table` the table itself (text key, jsonb value). */
  setUp(options?: { readonly table?: boolean }): Promise<void>
  /** Ends the connections, where the pool is not yours. */
  close(): Promise<void>
}

/** So long a server that says nothing is waited for; a connection in use waits as long as its caller does. */
const connectTimeoutMs = 5_000

/** Errors: `invalid`, naming the option. Connects at its first use. */
export function postgresSource<V>(options: PostgresSourceOptions<V>): PostgresSource<V> {
  const shape = shapeOf(options)
  const { versionColumn } = shape
  const pool = options.pool ?? ownPool(options.connectionString)
  const source = new TableSource(options, shape, pool)
  return {
    load: async (key, context) => (await source.load([key], context)).get(key) ?? null,
    loadMany: (keys, context) => source.load(keys, context),
    write: (batch, context) => source.write(batch, context),
    ...(versionColumn === undefined ? {} : { version: (value: V) => versionOf(value, versionColumn) }),
    setUp: ({ table = false } = {}) => source.setUp(table),
    close: async () => {
      if (!options.pool) await pool.end()
    },
  }
}

class TableSource<V> {
  private readonly statements: Statements

  constructor(
    private readonly codec: PostgresSourceOptions<V>,
    private readonly shape: TableShape,
    private readonly pool: pg.Pool,
  ) {
    this.statements = statementsOf(shape)
  }

  async load(keys: readonly string[], { signal }: Waiting = {}): Promise<Map<string, V>> {
    const found = new Map<string, V>()
    const asked = new Set(keys.filter(isStorable))
    if (asked.size === 0) return found
    try {
      const { rows } = await withConnection(this.pool, signal, (connection) =>
        connection.query<LoadedRow>(this.statements.load, [[...asked]]),
      )
      for (const row of rows) {
        const value = loadedValue(this.shape, this.codec, row)
        if (value !== null && asked.has(row.key)) found.set(row.key, value)
      }
      return found
    } catch (error) {
      throw shapeFailure(error, this.shape)
    }
  }

  async write(
    batch: ReadonlyMap<string, V | null>,
    { signal, seqs: given }: Waiting & { readonly seqs?: ReadonlyMap<string, bigint> } = {},
  ): Promise<void> {
    // write-through has no numbers
    const seqs = given && given.size > 0 ? given : undefined
    const kept = [...batch].filter((entry): entry is [string, V] => entry[1] !== null)
    const gone = [...batch.keys()].filter((key) => batch.get(key) === null)
    for (const key of gone) this.assertStorable(key)
    const rows = `[${kept.map((entry) => rowText(this.shape, this.codec, entry)).join(',')}]`
    const keptKeys = kept.map(([key]) => key)
    const [keptSeqs, goneSeqs] = [numbersOf(keptKeys, seqs), numbersOf(gone, seqs)]
    const { fenceName } = this.shape
    const upsert = (connection: pg.PoolClient) =>
      keptSeqs
        ? connection.query(this.statements.fencedUpsert, [rows, fenceName, keptKeys, keptSeqs])
        : connection.query(this.statements.upsert, [rows])
    const remove = async (connection: pg.PoolClient) => {
      // one statement would delete by a look at the table from before it had waited for another writer's number
      const passed = goneSeqs ? await this.pass(connection, gone, goneSeqs) : gone
      if (passed.length > 0) await connection.query(this.statements.remove, [passed])
    }
    try {
      await withConnection(this.pool, signal, async (connection) => {
        if (gone.length === 0) {
          if (kept.length > 0) await upsert(connection)
        } else if (kept.length === 0 && !seqs) await remove(connection)
        else {
          await inTransaction(connection, async () => {
            if (kept.length > 0) await upsert(connection)
            await remove(connection)
          })
        }
      })
    } catch (error) {
      throw writeFailure(error, [...batch.keys()], this.shape)
    }
  }

  async setUp(withTable: boolean): Promise<void> {
    const { createFence, createTable } = this.statements
    if (withTable && createTable === undefined)
      throw invalid('setUp: only a table of a key and one value column is made', 'Make this one yourself.')
    try {
      await this.create(createFence)
      if (withTable && createTable) await this.create(createTable)
      // says now what the first read would say
      await withConnection(this.pool, undefined, (connection) => connection.query(this.statements.load, [[]]))
    } catch (error) {
      throw shapeFailure(error, this.shape)
    }
  }

  /** The keys whose number is the largest so far; it is theirs now. */
  private async pass(
    connection: pg.PoolClient,
    keys: readonly string[],
    seqs: readonly string[],
  ): Promise<string[]> {
    const { rows } = await connection.query<{ key: string }>(this.statements.fence, [
      this.shape.fenceName,
      keys,
      seqs,
    ])
    return rows.map(({ key }) => key)
  }

  private async create(statement: string): Promise<void> {
    await withConnection(this.pool, undefined, (connection) => connection.query(statement)).catch(
      (error: unknown) => {
        // two at once: IF NOT EXISTS looks before the other has committed
        if (!['23505', '42P07'].includes(codeOf(error) ?? '')) throw error
      },
    )
  }

  private assertStorable(key: string): void {
    if (isStorable(key)) return
    const why = 'its key holds a character that PostgreSQL has no place for'
    throw new PoisonRowsError(`the row of key ${printable(key, 80)} can't be deleted: ${why}`, [key])
  }
}

/** As texts: PostgreSQL's bigint is wider than a double. Errors: `invalid` where a key has none. */
function numbersOf(keys: readonly string[], seqs: ReadonlyMap<string, bigint> | undefined) {
  return (
    seqs &&
    keys.map((key) => {
      const seq = seqs.get(key)
      if (seq === undefined) throw invalid(`no sequence number for key ${printable(key, 80)}`)
      return String(seq)
    })
  )
}

function ownPool(connectionString: string | undefined): pg.Pool {
  const pool = new pg.Pool({
    ...(connectionString === undefined ? {} : { connectionString }),
    application_name: 'cachectl',
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
  })
  // an idle connection that is lost is replaced when one is needed
  pool.on('error', () => {})
  return pool
}
