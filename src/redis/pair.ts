/** The two ends of a move, each on a connection of its own: WATCH belongs to a connection. */
import { type Command, type Reply, ReplyError } from './resp.js'
import { type RespConnection, replyFailure } from './resp-connection.js'

export interface Pair {
  readonly source: RespConnection
  readonly target: RespConnection
}

/** The replies of the commands, or undefined when a watched key was touched. Queueing errors are thrown. */
export async function transact(
  connection: RespConnection,
  commands: readonly Command[],
  name: string,
): Promise<Reply[] | undefined> {
  const replies = await connection.send([['MULTI'], ...commands, ['EXEC']])
  const result = replies.at(-1)
  if (result === null) return undefined
  if (Array.isArray(result)) return result
  const refusal = replies.find((reply) => reply instanceof ReplyError)
  if (refusal instanceof ReplyError) throw replyFailure(connection.access, name, refusal)
  throw new Error('EXEC answered something else')
}
