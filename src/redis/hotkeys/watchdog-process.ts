/**
 * Ends monitors that nobody reads: a process of its own, in a process group of its own, so that what stops the sampler
 * (Ctrl-Z, SIGSTOP, a debugger, kill -9) does not stop it. It ends when its standard input does.
 */
import { describeError } from '../../errors.js'
import type { NodeAccess } from '../../operations/ports.js'
import { openConnection, type RespConnection } from '../resp-connection.js'
import { eachMessage, type FromWatchdog, formatMessage, type ToWatchdog } from './watchdog-protocol.js'

interface Armed {
  readonly client: number
  readonly timer: NodeJS.Timeout
}

const accesses = new Map<string, NodeAccess>()
const connections = new Map<string, RespConnection>()
const armed = new Map<string, Armed>()
/** The sampler has gone, and with it its sockets: a node that does not answer now is not waited for. */
const farewellMs = 1_000

eachMessage<ToWatchdog>(process.stdin, (message) => {
  switch (message.kind) {
    case 'nodes':
      return void begin(message.accesses)
    case 'arm': {
      disarm(message.node)
      // if we were late ourselves, the word that it is over may be here already: that is read first
      const overdue = () => {
        if (armed.get(message.node)?.timer === timer) void kill(message.node)
      }
      const timer = setTimeout(() => setImmediate(overdue), message.ms)
      armed.set(message.node, { client: message.client, timer })
      return
    }
    case 'disarm':
      return disarm(message.node)
  }
})
process.stdin.on('end', () => void leave())
// the sampler has gone; `end` of the input says the same
process.stdout.on('error', () => {})

async function begin(all: readonly NodeAccess[]): Promise<void> {
  try {
    for (const access of all) accesses.set(access.node.id, access)
    await Promise.all(all.map(({ node }) => connectionTo(node.id)))
    tell({ kind: 'ready' })
  } catch (error) {
    tell({ kind: 'failed', why: describeError(error) })
  }
}

async function connectionTo(node: string): Promise<RespConnection> {
  const open = connections.get(node)
  if (open && !open.isLost) return open
  const access = accesses.get(node)
  if (!access) throw new Error(`no node ${node}`)
  const connection = await openConnection(access)
  connections.set(node, connection)
  return connection
}

function disarm(node: string): void {
  clearTimeout(armed.get(node)?.timer)
  armed.delete(node)
}

async function kill(node: string): Promise<void> {
  const overdue = armed.get(node)
  if (!overdue) return
  disarm(node)
  try {
    await (await connectionTo(node)).call('CLIENT', 'KILL', 'ID', overdue.client)
    tell({ kind: 'killed', node })
  } catch (error) {
    tell({ kind: 'failed', why: describeError(error) })
  }
}

async function leave(): Promise<void> {
  setTimeout(() => process.exit(), farewellMs).unref()
  await Promise.all([...armed.keys()].map(kill))
  process.exit()
}

function tell(message: FromWatchdog): void {
  process.stdout.write(formatMessage(message))
}
