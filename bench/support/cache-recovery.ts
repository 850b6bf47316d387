/** A node dies and comes back empty, under reads of several caches: whose reads notice, and how many loads that costs. */
import { createCache, openCacheRing } from '../../src/index.js'
import { createRandom } from '../../src/random.js'
import { createZipf } from '../../src/workload/zipf.js'
import type { TestServers } from '../../test/support/redis-servers.js'
import { report } from './targets.js'

const cacheCount = 4
const keyCount = 5_000
const readsPerSec = 4_000
const loadMs = 5
const seconds = { warm: 4, down: 4, back: 6 }
const tickMs = 5

export async function recovery(servers: TestServers): Promise<void> {
  const urls = servers.servers.map(({ url }) => url)
  const rings = await Promise.all(Array.from({ length: cacheCount }, () => openCacheRing(urls)))
  let startedMs = performance.now()
  const second = () => Math.floor((performance.now() - startedMs) / 1_000)
  const whole = seconds.warm + seconds.down + seconds.back
  const loads = { living: new Array<number>(whole + 1).fill(0), dying: new Array<number>(whole + 1).fill(0) }
  const slowestMs = { living: 0, dying: 0 }
  let failed = 0
  const owner = rings[0]!
  const sideOf = (key: string) =>
    owner.ownerOf(Buffer.from(`recovery:${key}`)) === urls[1] ? ('dying' as const) : ('living' as const)
  const caches = rings.map((ring) =>
    createCache<string>({
      ring,
      namespace: 'recovery',
      ttl: '10m',
      l1: { max: 500 },
      load: async (key) => {
        loads[sideOf(key)][second()]! += 1
        await new Promise((resolve) => setTimeout(resolve, loadMs))
        return 'v'.repeat(100)
      },
    }),
  )
  const rank = createZipf(keyCount, 0.99, createRandom(7))
  const read = async (index: number) => {
    const key = String(rank())
    const sentMs = performance.now()
    await caches[index % cacheCount]!.get(key).catch(() => {
      failed += 1
    })
    const at = second()
    if (at < seconds.warm) return
    const side = sideOf(key)
    slowestMs[side] = Math.max(slowestMs[side], performance.now() - sentMs)
  }
  const names = Array.from({ length: keyCount }, (_, index) => String(index))
  for (let from = 0; from < keyCount; from += 100)
    await Promise.all(names.slice(from, from + 100).map((key, index) => caches[index % cacheCount]!.get(key)))
  startedMs = performance.now()
  loads.living.fill(0)
  loads.dying.fill(0)
  let sent = 0
  const under: Promise<void>[] = []
  const timer = setInterval(() => {
    const due = ((performance.now() - startedMs) / 1_000) * readsPerSec
    for (; sent < due; sent++) under.push(read(sent))
  }, tickMs)
  const at = async (wanted: number) => {
    while (second() < wanted) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await at(seconds.warm)
  await servers.kill(1)
  await at(seconds.warm + seconds.down)
  await servers.restart(1)
  await at(whole)
  clearInterval(timer)
  await Promise.all(under)
  for (const cache of caches) await cache.close()
  for (const ring of rings) await ring.close()
  const back = loads.dying.slice(seconds.warm + seconds.down, whole)
  const down = loads.dying.slice(seconds.warm, seconds.warm + seconds.down)
  const others = loads.living.slice(seconds.warm, whole).reduce((sum, count) => sum + count, 0)
  const keysThere = names.filter((key) => sideOf(key) === 'dying').length
  report({
    what: `a node of two dies for ${seconds.down} s and comes back empty: ${readsPerSec.toLocaleString('en')} reads/s by ${cacheCount} caches, ${keyCount.toLocaleString('en')} keys; loads each second`,
    ours: `away ${down.join(', ')}; back ${back.join(', ')} (of ${keysThere} keys there); of the other node's keys ${others}`,
    rival: '–',
    target: "the other node's keys are not touched, no key is loaded twice after the return",
    holds: others === 0 && back.reduce((sum, count) => sum + count, 0) <= keysThere * 1.05 && failed === 0,
    note: `slowest read ${slowestMs.living.toFixed(0)} and ${slowestMs.dying.toFixed(0)} ms, ${failed} failed`,
  })
}
