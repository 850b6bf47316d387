/** WAIT: what a primary was told is not safe from its loss before replicas have it. */
import { type CachectlError, stopped } from '../errors.js'
import type { RespConnection } from './resp-connection.js'
import { nodeName } from './socket.js'

const waitMs = 1_000

/** Whether so many replicas have everything that this connection has written. */
export async function haveReplicas(connection: RespConnection, replicas: number): Promise<boolean> {
  if (replicas === 0) return true
  return Number(await connection.call('WAIT', replicas, waitMs)) >= replicas
}

/** Throws `stopped` when they are too few. */
export async function awaitReplicas(connection: RespConnection, replicas: number): Promise<void> {
  if (!(await haveReplicas(connection, replicas))) throw tooFewReplicas(connection, replicas)
}

export function tooFewReplicas({ access }: RespConnection, replicas: number): CachectlError {
  return stopped(
    `node ${nodeName(access.node)}: fewer than ${replicas} replicas confirmed within ${waitMs} ms`,
    'Nothing was removed at the source. Mend the replicas, then `cachectl ring resume`.',
  )
}
