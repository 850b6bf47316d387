/**
 * One counted burst of MONITOR on a connection of its own: so many lines, bytes or milliseconds, then it is closed, and
 * with it the server's monitor. Values pass through the buffer and are never looked at.
 */
import type { Clock } from '../clock.js'
import type { BurstLimits, MonitorPort, NodeAccess } from '../operations/ports.js'
import { encodeCommands, ReplyError } from './resp.js'
import { handshake, openConnection, replyFailure } from './resp-connection.js'
import { connectionError, openSocket } from './socket.js'

const newline = 10

export function createMonitor(
  accesses: readonly NodeAccess[],
  clock: Clock,
): MonitorPort & { close(): void } {
  const byId = new Map(accesses.map((access) => [access.node.id, access]))
  const active = new Set<() => void>()
  const accessOf = (node: string): NodeAccess => {
    const access = byId.get(node)
    if (!access) throw new Error(`no node ${node}`)
    return access
  }
  return {
    burst: (node, limits) => burst(accessOf(node), { limits, clock, active }),
    commandShapes: (node) => readShapes(accessOf(node)),
    commandCount: (node) => readCommandCount(accessOf(node)),
    close: () => {
      for (const stop of active) stop()
    },
  }
}

interface BurstContext {
  readonly limits: BurstLimits
  readonly clock: Clock
  readonly active: Set<() => void>
}

async function burst(
  access: NodeAccess,
  { limits, clock, active }: BurstContext,
): Promise<{ lines: Buffer[]; bytes: number }> {
  const greetings = handshake(access).length + 1
  const socket = await openSocket(access.node)
  try {
    return await new Promise((resolve, reject) => {
      let rest: Buffer = Buffer.alloc(0)
      let bytes = 0
      let greeted = 0
      const lines: Buffer[] = []
      const finish = () => {
        clearTimeout(timer)
        active.delete(finish)
        socket.destroy()
        resolve({ lines, bytes })
      }
      const fail = (error: unknown) => {
        clearTimeout(timer)
        active.delete(finish)
        reject(connectionError(access.node, error))
      }
      // until MONITOR is confirmed the longer deadline of a stuck server holds; afterwards the burst's own
      let timer = setTimeout(() => fail(new Error('MONITOR was not answered within 2 s')), 2_000)
      active.add(finish)
      socket.on('error', fail)
      socket.on('close', () =>
        greeted < greetings ? fail(new Error('closed before MONITOR was confirmed')) : finish(),
      )
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
        let start = 0
        for (let end = data.indexOf(newline); end >= 0; end = data.indexOf(newline, start)) {
          const line = data.subarray(start, end)
          start = end + 1
          if (greeted < greetings) {
            if (line[0] === 0x2d) return fail(asReplyFailure(access, line))
            greeted += 1
            if (greeted < greetings) continue
            bytes = data.length - start
            clearTimeout(timer)
            timer = setTimeout(finish, limits.maxMs)
            continue
          }
          lines.push(line)
          if (lines.length >= limits.maxLines) return finish()
        }
        rest = data.subarray(start)
        if (bytes >= limits.maxBytes) finish()
      })
      socket.write(encodeCommands([...handshake(access), ['MONITOR']]))
    })
  } finally {
    socket.destroy()
    await clock.sleep(0)
  }
}

function asReplyFailure(access: NodeAccess, line: Buffer): Error {
  const text = line.toString('utf8', 1).trim()
  return replyFailure(access, 'MONITOR', new ReplyError(text.split(' ', 1)[0] ?? '', text))
}

async function readShapes(access: NodeAccess): ReturnType<MonitorPort['commandShapes']> {
  const connection = await openConnection(access)
  try {
    const reply = await connection.call('COMMAND')
    const entries = Array.isArray(reply) ? reply : []
    return entries.flatMap((entry) => {
      if (!Array.isArray(entry)) return []
      const [name, , , first, last, step] = entry
      return [{ name: String(name), first: Number(first), last: Number(last), step: Number(step) }]
    })
  } finally {
    connection.close()
  }
}

async function readCommandCount(access: NodeAccess): Promise<number> {
  const connection = await openConnection(access)
  try {
    const reply = await connection.call('INFO', 'stats')
    return Number(/total_commands_processed:(\d+)/.exec(String(reply))?.[1] ?? 0)
  } finally {
    connection.close()
  }
}
