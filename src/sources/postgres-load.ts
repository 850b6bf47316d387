/**
 * A table of PostgreSQL that does the loads and writes of a bench run: made for the run, filled with a row a key, and
 * dropped after it. Which version of a key is the present one is the run's own to know; the work is the database's.
 */
import pg from 'pg'
import { describeError, unreachable } from '../errors.js'
import type { SourceWork } from '../workload/workload.js'

export interface PostgresLoadOptions {
  /** Without a password: it comes from PGPASSWORD or the password file. */
  readonly url: string
  readonly keys: number
  readonly valueBytes: number
  /** Connections, each with one piece of work at a time. */
  readonly connections: number
}

export interface PostgresLoad {
  readonly work: SourceWork
  /** Drops the table. */
  close(): Promise<void>
}

/** Errors: `unreachable` where the server, or the right to make a table, is missing. */
export async function openPostgresLoad(options: PostgresLoadOptions): Promise<PostgresLoad> {
  const { url, keys, valueBytes, connections } = options
  const pool = new pg.Pool({ connectionString: url, max: connections })
  // a connection that is lost while nobody uses it is replaced at the next use
  pool.on('error', () => {})
  const table = `cachectl_bench_${process.pid}`
  try {
    await pool.query(`CREATE UNLOGGED TABLE ${table} (key bigint PRIMARY KEY, value bytea NOT NULL)`)
    await pool.query(
      `INSERT INTO ${table} SELECT key, decode(repeat('2a', $1), 'hex') FROM generate_series(0, $2::bigint - 1) AS key`,
      [valueBytes, keys],
    )
  } catch (error) {
    await pool.query(`DROP TABLE IF EXISTS ${table}`).catch(() => undefined) // what failed is told
    await pool.end()
    throw unreachable(
      `--source: PostgreSQL: ${describeError(error)}`,
      'Check host, user (PGPASSWORD or ~/.pgpass for its password) and its right to create a table.',
      error,
    )
  }
  const value = Buffer.alloc(valueBytes, 0x2b)
  const read = { name: 'read', text: `SELECT value FROM ${table} WHERE key = $1` }
  const write = {
    name: 'write',
    text: `INSERT INTO ${table} VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
  }
  return {
    work: ({ kind, key }, done) => {
      const query =
        kind === 'load'
          ? pool.query({ ...read, values: [key] })
          : pool.query({ ...write, values: [key, value] })
      query.then(() => done(), done)
    },
    close: async () => {
      try {
        await pool.query(`DROP TABLE ${table}`)
      } finally {
        await pool.end()
      }
    },
  }
}
