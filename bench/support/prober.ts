/** A client of its own process that reads at a steady rate, and tells what its reads waited from when they were due. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../src/clock.js'
import { openConnection } from '../../src/redis/resp-connection.js'
import { testNode } from '../../test/support/redis-servers.js'

export interface Latency {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export interface Reads {
  readonly port: number
  /** Each millisecond, spread over the connections. */
  readonly perMs: number
  readonly connections: number
  readonly keys: readonly string[]
}

const oneAMs = { perMs: 1, connections: 1, keys: ['probe'] }

/** Reads while `body` runs; by default one key, once a millisecond. */
export async function probing<T>(
  reads: Pick<Reads, 'port'> & Partial<Reads>,
  body: () => Promise<T>,
): Promise<{ result: T; latency: Latency }> {
  const prober = await startProber(reads)
  try {
    const result = await body()
    return { result, latency: await prober.lap() }
  } finally {
    prober.stop()
  }
}

export interface Prober {
  /** What was seen since the last lap. */
  lap(): Promise<Latency>
  stop(): void
}

export async function startProber(reads: Pick<Reads, 'port'> & Partial<Reads>): Promise<Prober> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify({ ...oneAMs, ...reads })])
  await once(child, 'message')
  return {
    lap: async () => {
      const told = once(child, 'message')
      child.send('lap')
      const [latency] = (await told) as [Latency]
      return latency
    },
    stop: () => child.kill('SIGKILL'),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await probe(JSON.parse(process.argv[2]!) as Reads)

async function probe({ port, perMs, connections: count, keys }: Reads): Promise<void> {
  const connections = await Promise.all(
    Array.from({ length: count }, () =>
      openConnection({ node: testNode('probed', port) }, { clientName: 'cc-look' }),
    ),
  )
  let waits: number[] = []
  process.on('message', () => {
    waits.sort((a, b) => a - b)
    const at = (quantile: number) =>
      waits[Math.min(waits.length - 1, Math.floor(waits.length * quantile))] ?? 0
    process.send?.({ p50Ms: at(0.5), p99Ms: at(0.99), maxMs: waits.at(-1) ?? 0 } satisfies Latency)
    waits = []
  })
  process.send?.('ready')
  const share = perMs / count
  let serial = 0
  for (let dueMs = systemClock.nowMs(); ; dueMs += 1) {
    const aheadMs = dueMs - systemClock.nowMs()
    if (aheadMs > 0) await systemClock.sleep(aheadMs)
    for (const connection of connections) {
      const commands = Array.from({ length: share }, () => ['GET', keys[serial++ % keys.length]!])
      void connection.send(commands).then(() => waits.push(systemClock.nowMs() - dueMs))
    }
  }
}
