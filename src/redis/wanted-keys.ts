/**
 * Big keys that a client waits to write: it tells their node, and the operator moves them before all others. Copying
 * them itself would hold the client up, and the servers with it. The set lies at the source and holds no data.
 */
import type { RespConnection } from './resp-connection.js'

export const wantedKey = '__cachectl:wanted'
const takenAtOnce = 16

/** Said again with every look: an operator that takes a wish and dies has only lost a wish. */
export async function wantKeys(source: RespConnection, keys: readonly Buffer[]): Promise<void> {
  await source.call('SADD', wantedKey, ...keys)
}

/** Takes some wishes off the node. */
export async function takeWanted(source: RespConnection): Promise<Buffer[]> {
  const reply = await source.call('SPOP', wantedKey, takenAtOnce)
  return Array.isArray(reply) ? reply.filter((key) => Buffer.isBuffer(key)) : []
}
