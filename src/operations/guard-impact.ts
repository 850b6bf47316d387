/** Watches the nodes' latency while keys move, and slows the move down when it rises too far. */
import type { Clock } from '../clock.js'
import { adaptRate, type ImpactLimit, type Pace } from '../plan/pace.js'

export interface ImpactPorts {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** One round trip to a node, in ms. */
  probe(node: string): Promise<number>
}

const probeEveryMs = 4
const baselineMs = 2_000
const windowMs = 1_000
const startKeysPerSec = 5_000

/** Runs `body` at the pace that the nodes bear; measures for two seconds first. */
export async function withImpactGuard<T>(
  guard: { readonly limit: ImpactLimit; readonly pace: Pace; readonly nodes: readonly string[] },
  ports: ImpactPorts,
  body: () => Promise<T>,
): Promise<T> {
  const { limit, pace, nodes } = guard
  const before = await Promise.all(nodes.map((node) => latencyOf(node, baselineMs, { limit, ports })))
  const ended = new AbortController()
  let rate = startKeysPerSec
  pace.setKeysPerSec(rate)
  const watching = (async () => {
    while (!ended.signal.aborted && !ports.signal.aborted) {
      const now = await Promise.all(
        nodes.map((node) => latencyOf(node, windowMs, { limit, ports, ended: ended.signal })),
      )
      // the node that suffers most decides
      const worst = now.reduce(
        (most, ms, node) => (ms / before[node]! > now[most]! / before[most]! ? node : most),
        0,
      )
      rate = adaptRate(rate, { nowMs: now[worst]!, beforeMs: before[worst]! }, limit)
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

async function latencyOf(
  node: string,
  forMs: number,
  { limit, ports, ended }: { limit: ImpactLimit; ports: ImpactPorts; ended?: AbortSignal },
): Promise<number> {
  const samples: number[] = []
  const startedMs = ports.clock.nowMs()
  while (ports.clock.nowMs() - startedMs < forMs && !ended?.aborted && !ports.signal.aborted) {
    samples.push(await ports.probe(node))
    await ports.clock.sleep(probeEveryMs)
  }
  samples.sort((a, b) => a - b)
  return samples[Math.min(samples.length - 1, Math.floor(samples.length * limit.quantile))] ?? 1
}
