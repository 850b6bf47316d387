/** Traffic of a few commands, over and over. */
import type { Command } from '../../src/redis/resp.js'
import type { RespConnection } from '../../src/redis/resp-connection.js'

/** Sends these again and again, and in their order, while `body` runs. */
export async function whileSending<T>(
  connection: RespConnection,
  commands: readonly Command[],
  body: () => Promise<T>,
): Promise<T> {
  let isRunning = true
  const traffic = (async () => {
    while (isRunning) await connection.send(commands)
  })()
  try {
    return await body()
  } finally {
    isRunning = false
    await traffic
  }
}
