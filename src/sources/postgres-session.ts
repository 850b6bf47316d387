/** Connections of a pool, each lent for one piece of work, whose wait an abort ends. */
import type { Pool, PoolClient } from 'pg'

/**
 * After an abort nobody waits any longer: the connection is closed, its transaction undone, and whether a last statement
 * outside one was done is unknown. Errors: the signal's reason, the pool's, and `body`'s.
 */
export async function withConnection<T>(
  pool: Pool,
  signal: AbortSignal | undefined,
  body: (connection: PoolClient) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  let onAbort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal?.reason)
  })
  aborted.catch(() => undefined) // nothing may be raced with it when it comes
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await lend(await connect(pool, aborted), (connection) => Promise.race([body(connection), aborted]))
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

/** All of its statements or none; each sees what others have committed before it, whatever the server's default is. */
export async function inTransaction(connection: PoolClient, body: () => Promise<void>): Promise<void> {
  await connection.query('BEGIN ISOLATION LEVEL READ COMMITTED')
  try {
    await body()
  } catch (error) {
    // where even that fails, the connection is lost and its transaction with it
    await connection.query('ROLLBACK').catch(() => undefined)
    throw error
  }
  await connection.query('COMMIT')
}

async function connect(pool: Pool, aborted: Promise<never>): Promise<PoolClient> {
  const connecting = pool.connect()
  try {
    return await Promise.race([connecting, aborted])
  } catch (error) {
    // one that comes after the abort goes back unused
    connecting.then(
      (connection) => connection.release(),
      () => undefined,
    )
    throw error
  }
}

async function lend<T>(connection: PoolClient, body: (connection: PoolClient) => Promise<T>): Promise<T> {
  // a connection that is lost while it is lent fails its statement, and tells it as an event besides
  const ignore = () => {}
  connection.on('error', ignore)
  let isUsable = false
  try {
    const result = await body(connection)
    isUsable = true
    return result
  } catch (error) {
    isUsable = isRefusal(error)
    throw error
  } finally {
    connection.off('error', ignore)
    connection.release(!isUsable)
  }
}

/** The server's word on one statement, after which it takes the next: not FATAL, no lost connection, no abort. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && error.severity === 'ERROR'
}
