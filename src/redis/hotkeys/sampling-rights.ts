/** Which rights of a sampling run a user lacks: asked of ACL DRYRUN, and where that is denied, tried. */
import type { NodeAccess } from '../../operations/ports.js'
import { type Command, encodeCommands, type Reply, ReplyError, ReplyParser } from '../resp.js'
import { handshake } from '../resp-connection.js'
import { openSocket } from '../socket.js'

/** Right → the command that needs it, in a form that does nothing. RESET and AUTH need none. */
const needed: Readonly<Record<string, Command>> = {
  '+monitor': ['MONITOR'],
  '+client|id': ['CLIENT', 'ID'],
  '+client|kill': ['CLIENT', 'KILL', 'ID', 0],
}
const rights = Object.keys(needed)
/** Without them MONITOR is not sampled. */
export const monitorRights = ['+info', '+command', ...rights]
/** Those of other sources; asked of ACL DRYRUN only, because trying some of them would do something. */
const ofOthers: Readonly<Record<string, Command>> = {
  '+slowlog': ['SLOWLOG', 'LEN'],
  '+config|get': ['CONFIG', 'GET', 'slowlog-max-len'],
  '+config|set': ['CONFIG', 'SET', 'slowlog-max-len', '128'],
  '+multi': ['MULTI'],
  '+exec': ['EXEC'],
  '+hello': ['HELLO'],
  '+client|tracking': ['CLIENT', 'TRACKING', 'OFF'],
  '+scan': ['SCAN', '0'],
  '+object|freq': ['OBJECT', 'FREQ', 'key'],
}
const asked = { ...needed, ...ofOthers }
const answerTimeoutMs = 5_000

/** ACL DRYRUN of each, to be sent after INFO. */
export function dryRuns({ node }: NodeAccess): Command[] {
  return Object.values(asked).map((command) => ['ACL', 'DRYRUN', node.username ?? 'default', ...command])
}

/** `replies` to those; `send` tries what they leave open. */
export async function missingRights(
  access: NodeAccess,
  replies: readonly Reply[],
  send: (commands: readonly Command[]) => Promise<Reply[]>,
): Promise<string[]> {
  const isAnswered = replies.slice(0, rights.length).every((reply) => !(reply instanceof ReplyError))
  if (isAnswered) return Object.keys(asked).filter((_, index) => isRefusal(replies[index]))
  const tried = rights.filter((right) => right !== '+monitor')
  const answers = await send(tried.map((right) => needed[right]!))
  const missing = tried.filter((_, index) => isDenied(answers[index]))
  return (await mayMonitor(access)) ? missing : ['+monitor', ...missing]
}

/** DRYRUN also tells of keys that the user may not see, and of commands that there are not. */
function isRefusal(reply: Reply | undefined): boolean {
  return /no permissions to run/i.test(String(reply))
}

export function isDenied(reply: Reply | undefined): boolean {
  return reply instanceof ReplyError && reply.code === 'NOPERM'
}

/** Turns MONITOR on, and off at once by closing: nothing else tells before a run. */
async function mayMonitor(access: NodeAccess): Promise<boolean> {
  const socket = await openSocket(access.node, { connectTimeoutMs: answerTimeoutMs })
  const commands = [...handshake(access), ['MONITOR']]
  try {
    return await new Promise<boolean>((resolve) => {
      let left = commands.length
      const parser = new ReplyParser((reply) => {
        left -= 1
        if (left === 0) resolve(!isDenied(reply))
      })
      socket.on('data', (chunk: Buffer) => left > 0 && parser.feed(chunk))
      // a server that hangs up is told by the run itself
      socket.on('error', () => resolve(true))
      socket.on('close', () => resolve(true))
      socket.setTimeout(answerTimeoutMs, () => resolve(true))
      socket.write(encodeCommands(commands))
    })
  } finally {
    socket.destroy()
  }
}
