/** Asks the nodes once a second what a load does to them: memory, evictions, CPU. */
import { lookName } from '../../cache/ports.js'
import type { Clock } from '../../clock.js'
import type { NodeAccess } from '../../operations/ports.js'
import { openConnection, type RespConnection } from '../resp-connection.js'

export interface NodeWatch {
  /** What a node said last, and what changed since this was asked before; undefined: it did not say. */
  since(node: number): NodeSample | undefined
  close(): void
}

export interface NodeSample {
  readonly usedMemoryBytes: number
  readonly evicted: number
  /** Of one core. */
  readonly cpuShare: number
}

const periodMs = 1_000

interface Reading {
  readonly atMs: number
  readonly usedMemoryBytes: number
  readonly evictedKeys: number
  readonly cpuSeconds: number
}

/** Nodes that can't be asked, now or later, are not watched: the load itself tells what is wrong with them. */
export async function watchNodes(accesses: readonly NodeAccess[], clock: Clock): Promise<NodeWatch> {
  const watched = await Promise.all(accesses.map((access) => watchNode(access, clock)))
  return {
    since: (node) => watched[node]?.since(),
    close: () => {
      for (const each of watched) each?.close()
    },
  }
}

async function watchNode(access: NodeAccess, clock: Clock) {
  let connection: RespConnection | undefined
  try {
    connection = await openConnection(access, { clientName: lookName })
  } catch {
    return undefined
  }
  const open = connection
  let before: Reading | undefined
  let latest = await read(open, clock)
  before = latest
  let isAsking = false
  const timer = setInterval(async () => {
    if (isAsking || open.isLost) return
    isAsking = true
    latest = await read(open, clock)
    isAsking = false
  }, periodMs)
  return {
    since: (): NodeSample | undefined => {
      const now = latest
      if (!now || !before || open.isLost) return undefined
      const seconds = (now.atMs - before.atMs) / 1000
      const sample = {
        usedMemoryBytes: now.usedMemoryBytes,
        evicted: now.evictedKeys - before.evictedKeys,
        cpuShare: seconds > 0 ? Math.max(0, now.cpuSeconds - before.cpuSeconds) / seconds : 0,
      }
      if (seconds <= 0) return undefined
      before = now
      return sample
    },
    close: () => {
      clearInterval(timer)
      open.close()
    },
  }
}

async function read(connection: RespConnection, clock: Clock): Promise<Reading | undefined> {
  try {
    const replies = await connection.send([
      ['INFO', 'memory'],
      ['INFO', 'stats'],
      ['INFO', 'cpu'],
    ])
    const text = replies.map(String).join('\n')
    const field = (name: string) => {
      const [, digits] = new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text) ?? []
      return digits === undefined ? undefined : Number(digits)
    }
    const cpu = (who: string) =>
      (field(`used_cpu_sys${who}`) ?? Number.NaN) + (field(`used_cpu_user${who}`) ?? Number.NaN)
    // of the thread that serves commands, where the server tells it apart
    const cpuSeconds = Number.isNaN(cpu('_main_thread')) ? cpu('') : cpu('_main_thread')
    const usedMemoryBytes = field('used_memory')
    if (usedMemoryBytes === undefined || Number.isNaN(cpuSeconds)) return undefined
    return { atMs: clock.nowMs(), usedMemoryBytes, evictedKeys: field('evicted_keys') ?? 0, cpuSeconds }
  } catch {
    return undefined
  }
}
