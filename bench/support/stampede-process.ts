/** One of the processes that want one cold key at once: opens its cache, says so, and runs when it is told to. */
import { once } from 'node:events'
import { type Cache, createCache } from '../../src/index.js'
import { type CacheUnderTest, openRival, type RivalName } from './cache-rivals.js'

const [name, port, callers, loadMs, fails] = process.argv.slice(2) as [string, string, string, string, string]
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
let loads = 0
let ours: Cache<unknown> | undefined
const load = async (key: string) => {
  loads += 1
  await sleep(Number(loadMs))
  if (fails === 'fails') throw new Error('the source is away')
  return { key, text: 'x'.repeat(100) }
}
process.on('unhandledRejection', () => {})
const cache = await open()
process.send?.({ kind: 'ready' })
for (;;) {
  const [key] = await once(process, 'message')
  if (key === null) break
  loads = 0
  const startedMs = performance.now()
  const outcomes = await Promise.race([
    Promise.allSettled(Array.from({ length: Number(callers) }, () => cache.get(String(key)))),
    sleep(20_000).then(() => undefined),
  ])
  const detours = ours?.stats.detours ?? 0
  process.send?.({
    kind: 'done',
    loads,
    ms: performance.now() - startedMs,
    detours,
    isOver: outcomes !== undefined,
  })
}
process.exit()

async function open(): Promise<CacheUnderTest> {
  if (name !== 'cachectl') return openRival(name as RivalName, { port: Number(port), load })
  ours = createCache<unknown>({
    ring: `redis://127.0.0.1:${port}`,
    namespace: 'stampede',
    ttl: '1h',
    load,
  })
  // opens its connections
  await ours.get('warm', () => 1)
  return ours
}
