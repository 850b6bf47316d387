/** Watches the nodes' latency while keys move, and slows the move down when it rises too far. */
import type { Clock } from '../clock.js'
import { adaptRate, type ImpactLimit, type Pace } from '../plan/pace.js'

export interface ImpactPorts {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** One round trip to a node, in ms. */
  probe(node: string): Promise<number>
}

const probeEveryMs = 2
const baselineMs = 3_000
const windowMs = 500
const startKeysPerSec = 1_000
/** Of the newest window in the running share: a window alone has too few probes to tell the slowest of a hundred. */
const newestWeight = 0.3

/**
 * Runs `body` at the pace that the nodes bear. First the quantile of each node is measured; later the share of probes
 * that wait longer than it may become is held below what the quantile leaves, at the node that suffers most.
 */
export async function withImpactGuard<T>(
  guard: { readonly limit: ImpactLimit; readonly pace: Pace; readonly nodes: readonly string[] },
  ports: ImpactPorts,
  body: () => Promise<T>,
): Promise<T> {
  const { limit, pace, nodes } = guard
  const boundsMs = await Promise.all(
    nodes.map(async (node) => {
      const waits = await probeFor(node, baselineMs, ports)
      return quantileOf(waits, limit.quantile) * (1 + limit.maxIncrease)
    }),
  )
  const ended = new AbortController()
  const signal = AbortSignal.any([ended.signal, ports.signal])
  let rate = startKeysPerSec
  pace.setKeysPerSec(rate)
  const watching = (async () => {
    const shares = nodes.map(() => 0)
    while (!signal.aborted) {
      const windows = await Promise.all(nodes.map((node) => probeFor(node, windowMs, { ...ports, signal })))
      windows.forEach((waits, node) => {
        const exceeded = waits.filter((waitMs) => waitMs > boundsMs[node]!).length / Math.max(1, waits.length)
        shares[node] = shares[node]! * (1 - newestWeight) + exceeded * newestWeight
      })
      rate = Math.min(adaptRate(rate, Math.max(...shares), limit), fastestKeysPerSec)
      pace.setKeysPerSec(rate)
    }
  })()
  // a node that can't be probed can't be moved to or from either: the body fails with the reason
  watching.catch(() => undefined)
  try {
    return await body()
  } finally {
    ended.abort()
    await watching.catch(() => undefined)
  }
}

/** So that a long calm does not store up a rate that takes long to come down from. */
const fastestKeysPerSec = 200_000

async function probeFor(
  node: string,
  forMs: number,
  { clock, signal, probe }: ImpactPorts,
): Promise<number[]> {
  const waits: number[] = []
  const startedMs = clock.nowMs()
  while (clock.nowMs() - startedMs < forMs && !signal.aborted) {
    waits.push(await probe(node))
    await clock.sleep(probeEveryMs)
  }
  return waits
}

function quantileOf(values: readonly number[], quantile: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 1
}
