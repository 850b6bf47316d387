/**
 * The L1 beside a Map and lru-cache: CPU time of a hit and of a set that evicts, bytes an entry, and hit ratios of both
 * policies. CPU time of this process, the best of several rounds in turns; other work on the machine hardly changes it.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { LRUCache } from 'lru-cache'
import { createL1, type L1, type L1Policy } from '../src/cache/l1/l1.js'
import { readTrace } from '../src/files/trace-file.js'
import { createRandom } from '../src/random.js'
import { createZipf } from '../src/workload/zipf.js'
import { bytesAnEntry } from './support/heap-bytes.js'
import { header, print } from './support/report.js'

const seed = 1
const theta = 0.99
const hotCount = 100_000
const universe = 1_000_000
const requestCount = 3_000_000
const meta = { freshUntilMs: 1e12, loadMs: 1, bytes: 100, vouch: { untilMs: 1e12 } }
const policies: readonly L1Policy[] = ['s3fifo', 'lru']

header(`L1, seed ${seed}`)
const names = Array.from({ length: universe }, (_, index) => flat(`key:${String(index).padStart(7, '0')}`))
// one policy after the other, as a process has only one, and code that has met both is slower
for (const policy of policies) {
  hits(policy)
  evictions(policy)
}
memory()
ratios()
await traces()

/** Reads as the cache makes them: found, fresh, and vouched for. */
function hits(policy: L1Policy): void {
  const rank = createZipf(hotCount, theta, createRandom(seed))
  const asked = Array.from({ length: 1_000_000 }, () => names[rank()]!)
  const hot = names.slice(0, hotCount)
  const map = new Map(hot.map((name, index) => [name, index]))
  const { own, lru, timed } = openAll(policy)
  for (const [index, name] of hot.entries()) {
    own.set(name, index, meta)
    lru.set(name, index)
    timed.set(name, index)
  }
  const nanos = best(7, asked.length, {
    Map: () => readAll(asked, (key) => map.get(key)),
    'lru-cache': () => readAll(asked, (key) => lru.get(key)),
    'lru-cache with ttl': () => readAll(asked, (key) => timed.get(key)),
    [policy]: () => readAll(asked, (key) => read(own, key)),
  })
  print(
    `${policy}: a hit, ${hotCount.toLocaleString('en')} entries, zipf ${theta} (goal of s3fifo: ≤ 1.5 × Map)`,
  )
  beside('Map', nanos)
}

function read(l1: L1<number>, key: string): number | undefined {
  const slot = l1.find(key)
  if (slot < 0 || l1.freshUntilAt(slot) < 1 || l1.vouchAt(slot).untilMs < 1) return undefined
  return l1.valueAt(slot)
}

/** Keys that are not there, into a full cache. */
function evictions(policy: L1Policy): void {
  const setAll = (set: (key: string, index: number) => void) => {
    for (let index = 0; index < names.length; index++) set(names[index]!, index)
  }
  const { own, lru, timed } = openAll(policy)
  const nanos = best(4, names.length, {
    'lru-cache': () => setAll((key, index) => lru.set(key, index)),
    'lru-cache with ttl': () => setAll((key, index) => timed.set(key, index)),
    [policy]: () => setAll((key, index) => own.set(key, index, meta)),
  })
  print(`${policy}: a set that evicts (goal of s3fifo: about lru-cache's)`)
  beside('lru-cache', nanos)
}

function openAll(policy: L1Policy) {
  return {
    own: createL1<number>({ maxEntries: hotCount, policy, originMs: 0, seed }),
    lru: new LRUCache<string, number>({ max: hotCount }),
    timed: new LRUCache<string, number>({ max: hotCount, ttl: 3_600_000 }),
  }
}

function memory(): void {
  const text = (index: number) => flat(String(index).padStart(100, '.'))
  const key = (index: number) => flat(`key:${String(index).padStart(7, '0')}`)
  const into = (set: (key: string, value: string) => void) => (from: number, to: number) => {
    for (let index = from; index < to; index++) set(key(index), text(index))
  }
  const contents = {
    'key and value alone': () => {
      const all = new Array<string>(2 * universe)
      const fill = (from: number, to: number) => {
        for (let index = from; index < to; index++) {
          all[2 * (index % universe)] = key(index)
          all[2 * (index % universe) + 1] = text(index)
        }
      }
      return { held: all, fill }
    },
    Map: () => {
      const held = new Map<string, string>()
      const fill = (from: number, to: number) => {
        for (let index = from; index < to; index++) {
          held.delete(key(index - universe))
          held.set(key(index), text(index))
        }
      }
      return { held, fill }
    },
    'lru-cache': () => {
      const held = new LRUCache<string, string>({ max: universe })
      return { held, fill: into((name, value) => held.set(name, value)) }
    },
    ...Object.fromEntries(
      policies.map((policy) => [
        policy,
        () => {
          const held = createL1<string>({ maxEntries: universe, policy, originMs: 0, seed })
          return { held, fill: into((name, value) => held.set(name, value, meta)) }
        },
      ]),
    ),
  }
  print(
    `bytes an entry, ${universe.toLocaleString('en')} values of 100 B: filled (goal ≤ 215), after as many evictions`,
  )
  for (const [name, create] of Object.entries(contents)) {
    const { filled, churned } = bytesAnEntry(universe, create)
    print(`  ${name.padEnd(20)} ${filled.toFixed(0).padStart(5)} ${churned.toFixed(0).padStart(5)}`)
  }
}

function ratios(): void {
  print(`\nhit ratio %, ${requestCount.toLocaleString('en')} requests, the first half warms up`)
  print(`  ${''.padEnd(34)} s3fifo    lru   (goal at zipf 0.99, 1 %: 8 points more)`)
  for (const [kind, shiftEvery] of [
    [`zipf ${theta}`, requestCount],
    ['50,000 ranks moved each 500,000', 500_000],
  ] as const) {
    for (const share of [0.01, 0.1]) {
      const rank = createZipf(universe, theta, createRandom(seed))
      const asked = Uint32Array.from({ length: requestCount }, (_, index) => {
        return (rank() + 50_000 * Math.floor(index / shiftEvery)) % universe
      })
      const [s3fifo, lru] = policies.map((policy) => hitRatio(asked, share * universe, policy, 0.5))
      print(`  ${`${kind}, ${share * 100} %`.padEnd(34)} ${percent(s3fifo!)} ${percent(lru!)}`)
    }
  }
}

async function traces(): Promise<void> {
  const folder = resolve('../shared/traces')
  if (!existsSync(folder)) return print(`\nno traces in ${folder}`)
  print('\nhit ratio % of traces (in brackets the reference figures of S3-FIFO, from its authors’ simulator)')
  const references = {
    'cache2k-web12': ['41.00', '72.25'],
    'cache2k-orm-busy-500k': ['67.40', '84.45'],
    'cloudphysics-io': ['16.96', '24.75'],
    'apache-log-10k': ['none', '69.51'],
  }
  for (const [name, reference] of Object.entries(references)) {
    const { requests, ends } = await readTrace(`${folder}/${name}.csv.gz`)
    for (const [index, share] of [0.01, 0.1].entries()) {
      const maxEntries = Math.floor(share * ends.length)
      const [s3fifo, lru] = policies.map((policy) => hitRatio(requests.keys, maxEntries, policy, 0))
      print(
        `  ${`${name}, ${maxEntries}`.padEnd(34)} ${percent(s3fifo!)} ${percent(lru!)}   (${reference[index]})`,
      )
    }
  }
}

function hitRatio(asked: Uint32Array, maxEntries: number, policy: L1Policy, warmUpShare: number): number {
  const l1 = createL1<number>({ maxEntries, policy, originMs: 0, seed })
  const from = warmUpShare * asked.length
  let hitCount = 0
  for (let index = 0; index < asked.length; index++) {
    const name = names[asked[index]!]!
    if (l1.find(name) < 0) l1.set(name, index, meta)
    else if (index >= from) hitCount += 1
  }
  return hitCount / (asked.length - from)
}

/** Least CPU ns an operation of each, measured in turns. */
function best(
  rounds: number,
  operationCount: number,
  bodies: Record<string, () => void>,
): Record<string, number> {
  const nanos: Record<string, number> = {}
  for (let round = 0; round < rounds; round++) {
    for (const [name, body] of Object.entries(bodies)) {
      const before = process.cpuUsage()
      body()
      const { user, system } = process.cpuUsage(before)
      nanos[name] = Math.min(nanos[name] ?? Infinity, ((user + system) * 1000) / operationCount)
    }
  }
  return nanos
}

function readAll(asked: readonly string[], get: (key: string) => number | undefined): void {
  let found = 0
  for (let index = 0; index < asked.length; index++) if (get(asked[index]!) !== undefined) found += 1
  if (found !== asked.length) throw new Error(`${asked.length - found} reads missed`)
}

function beside(base: string, nanos: Record<string, number>): void {
  for (const [name, value] of Object.entries(nanos)) {
    const ratio = (value / nanos[base]!).toFixed(2)
    print(`  ${name.padEnd(20)} ${value.toFixed(0).padStart(5)} ns  ${ratio} × ${base}`)
  }
  print('')
}

function percent(share: number): string {
  return (100 * share).toFixed(2).padStart(6)
}

/** One piece of text, as one that came over the network; joined texts are trees. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
