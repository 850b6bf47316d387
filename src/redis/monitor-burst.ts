/**
 * One counted burst of MONITOR on a connection of its own: so many lines, bytes or milliseconds, then it is closed, and
 * with it the server's monitor. Values pass through the buffer and are never looked at.
 */
import type { Clock } from '../clock.js'
import type { BurstLimits, MonitorPort, NodeAccess } from '../operations/ports.js'
import { readCommandTable } from './command-table.js'
import { openMonitor } from './monitor-feed.js'
import { openConnection } from './resp-connection.js'

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
  const stop = new AbortController()
  const finish = () => stop.abort()
  const lines: Buffer[] = []
  let bytes = 0
  active.add(finish)
  try {
    const feed = await openMonitor(
      access,
      (more, size) => {
        bytes += size
        lines.push(...more.slice(0, limits.maxLines - lines.length))
        if (lines.length >= limits.maxLines || bytes >= limits.maxBytes) finish()
      },
      stop.signal,
    )
    const timer = setTimeout(finish, limits.maxMs)
    // a server that hangs up in the middle has shown a burst all the same
    await feed.ended.catch(() => undefined).finally(() => clearTimeout(timer))
    return { lines, bytes }
  } catch (error) {
    if (stop.signal.aborted) return { lines, bytes }
    throw error
  } finally {
    active.delete(finish)
    await clock.sleep(0)
  }
}

/** Whether a command writes, by the server's own table. */
export async function readWrites(access: NodeAccess): Promise<(command: string) => boolean> {
  const connection = await openConnection(access)
  try {
    const { accessOf } = await readCommandTable(connection)
    return (command) => accessOf(command) === 'write'
  } finally {
    connection.close()
  }
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
