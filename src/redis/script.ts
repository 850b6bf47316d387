/** A script that servers keep by its hash. */
import { createHash } from 'node:crypto'
import { type CommandPart, type Reply, ReplyError } from './resp.js'
import { type RespConnection, replyFailure } from './resp-connection.js'

export interface Script {
  /** For messages. */
  readonly name: string
  readonly text: string
  /** As bytes: it goes out with every call. */
  readonly sha: Buffer
}

export function scriptOf(name: string, text: string): Script {
  return { name, text, sha: Buffer.from(createHash('sha1').update(text).digest('hex')) }
}

/** A script on what belongs to a node alone, without keys: no change of the ring concerns it. Errors: the server's. */
export async function runOn(
  connection: RespConnection,
  script: Script,
  args: readonly CommandPart[],
): Promise<Exclude<Reply, ReplyError>> {
  let [reply] = await connection.send([['EVALSHA', script.sha, 0, ...args]])
  if (reply instanceof ReplyError && reply.code === 'NOSCRIPT')
    [reply] = await connection.send([['EVAL', script.text, 0, ...args]])
  if (reply instanceof ReplyError) throw replyFailure(connection.access, script.name, reply)
  return reply!
}
