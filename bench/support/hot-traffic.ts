/** Traffic with known hot keys, from a process of its own, and what it really was. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export type Pattern =
  | { readonly kind: 'uniform' }
  /** The ranks move on by many places at each step. */
  | { readonly kind: 'zipf'; readonly theta: number; readonly movesEveryMs?: number }
  /** Zipf, but in the first `widthMs` of each second one key has that share. */
  | { readonly kind: 'spike'; readonly theta: number; readonly widthMs: number; readonly share: number }
  /** One key with that share, the others alike. */
  | { readonly kind: 'one'; readonly share: number }

export interface TrafficOrder {
  readonly topologyFile: string
  readonly pattern: Pattern
  readonly opsPerSec: number
  readonly keyCount: number
}

/** By the wall clock, ms. */
export interface TrafficWindow {
  readonly fromMs: number
  readonly toMs: number
}

/** What was sent in a window. */
export interface TrafficTruth {
  readonly kind: 'truth'
  readonly total: number
  readonly nodeTotals: Readonly<Record<string, number>>
  /** Hottest first. */
  readonly top: readonly { readonly name: string; readonly node: string; readonly count: number }[]
}

export interface Traffic {
  readonly pid: number
  /** Of the last two minutes at most. */
  read(window: TrafficWindow): Promise<TrafficTruth>
}

export function hotKeyName(key: number): string {
  return `hot:${String(key).padStart(8, '0')}`
}

/** Fills the nodes, keeps the traffic up while `body` runs, ends it. */
export async function withTraffic<T>(
  order: TrafficOrder,
  body: (traffic: Traffic) => Promise<T>,
): Promise<T> {
  const child = fork(fileURLToPath(new URL('hot-traffic-process.js', import.meta.url)))
  try {
    child.send(order)
    await messageOf(child)
    return await body({
      pid: child.pid!,
      read: async (window) => {
        child.send(window)
        return (await messageOf(child)) as TrafficTruth
      },
    })
  } finally {
    const ended = once(child, 'exit')
    child.kill()
    await ended
  }
}

async function messageOf(child: ReturnType<typeof fork>): Promise<unknown> {
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error('the traffic ended by itself')
    }),
  ])
  return message
}
