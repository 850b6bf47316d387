/** The one connection to a control store on a Redis server: opened when it is needed, and again after it was lost. */
import { controlName } from '../cache/ports.js'
import { CachectlError } from '../errors.js'
import type { NodeAccess } from '../operations/ports.js'
import type { Reply } from '../redis/resp.js'
import { openConnection, type RespConnection } from '../redis/resp-connection.js'

const idleTimeoutMs = 5_000
const connectTimeoutMs = 2_000

export interface StoreConnection {
  /** What a call that fails has done is the caller's to find out: nothing is sent twice. Errors name the store. */
  call(...command: [string, ...(string | number)[]]): Promise<Reply>
  close(): Promise<void>
}

export function createStoreConnection(access: NodeAccess): StoreConnection {
  let open: Promise<RespConnection> | undefined
  /** The connection there is, or a new one for one that was lost; one that can't be opened is tried again next time. */
  const connection = async (): Promise<RespConnection> => {
    const known = open
    if (known && !(await known).isLost) return known
    if (open === known) {
      const opening = openConnection(access, { clientName: controlName, idleTimeoutMs, connectTimeoutMs })
      open = opening
      opening.catch(() => {
        if (open === opening) open = undefined
      })
    }
    return open ?? connection()
  }
  return {
    async call(...command) {
      try {
        return await (await connection()).call(...command)
      } catch (error) {
        if (!(error instanceof CachectlError)) throw error
        const { exitCode, remedy } = error
        throw new CachectlError(`control store ${access.node.url}: ${error.message}`, {
          exitCode,
          ...(remedy ? { remedy } : {}),
          cause: error,
        })
      }
    },
    async close() {
      const connected = await open?.catch(() => undefined)
      connected?.close()
    },
  }
}
