/** A client of its own process that reads a key every millisecond, and tells the quantiles of what it waited. */
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

/** Probes the port while `body` runs. */
export async function probing<T>(
  port: number,
  body: () => Promise<T>,
): Promise<{ result: T; latency: Latency }> {
  const child = fork(fileURLToPath(import.meta.url), [String(port)])
  await once(child, 'message')
  try {
    const result = await body()
    const told = once(child, 'message')
    child.send('stop')
    const [latency] = (await told) as [Latency]
    return { result, latency }
  } finally {
    child.kill('SIGKILL')
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const connection = await openConnection(
    { node: testNode('probed', Number(process.argv[2])) },
    { clientName: 'cc-look' },
  )
  let stopping = false
  process.on('message', () => {
    stopping = true
  })
  process.send?.('ready')
  const waits: number[] = []
  while (!stopping) {
    const startedMs = systemClock.nowMs()
    await connection.call('GET', 'probe')
    waits.push(systemClock.nowMs() - startedMs)
    await systemClock.sleep(1)
  }
  waits.sort((a, b) => a - b)
  const at = (quantile: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * quantile))] ?? 0
  process.send?.({ p50Ms: at(0.5), p99Ms: at(0.99), maxMs: waits.at(-1) ?? 0 } satisfies Latency)
}
