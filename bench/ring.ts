/** The ring's maths: a lookup on 50 nodes beside its hash alone, building 1,000 nodes, balance; the npm package as peer. */
import HashRing from 'hashring'
import { systemClock } from '../src/clock.js'
import { buildRing } from '../src/ring/build-ring.js'
import { xxh32 } from '../src/ring/hash/xxh32.js'
import { testNode, testTopology } from '../test/support/redis-servers.js'
import { header, median, print } from './support/report.js'

const keyCount = 200_000
const rounds = 9

header('ring maths')
const keys = Array.from({ length: keyCount }, (_, index) => Buffer.from(`user:${index}:profile`))
const nodes = (count: number) =>
  Array.from({ length: count }, (_, index) => testNode(`n${index}`, 7_000 + index))
const fifty = testTopology(nodes(50))
const ring = buildRing(fifty)
const peer = new HashRing(
  fifty.nodes.map(({ address }) => (address.kind === 'tcp' ? `${address.host}:${address.port}` : '')),
)
const texts = keys.map(String)

const samples = { hash: [] as number[], lookup: [] as number[], hashring: [] as number[] }
for (let round = 0; round < rounds; round++) {
  samples.hash.push(nanosPerKey(keys, (key) => xxh32(key, 0, key.length, 0)))
  samples.lookup.push(nanosPerKey(keys, (key) => ring.ownerIndex(key)))
  samples.hashring.push(nanosPerKey(texts, (key) => peer.get(key).length))
}
const [hash, lookup, hashring] = [median(samples.hash), median(samples.lookup), median(samples.hashring)]
print(
  `lookup on 50 nodes   ${lookup.toFixed(0)} ns, of which the hash ${hash.toFixed(0)} ns: ${(lookup - hash).toFixed(0)} ns (goal ≤ 60)`,
)
print(`npm hashring         ${hashring.toFixed(0)} ns: ${(hashring / lookup).toFixed(1)} × as long`)

const thousand = testTopology(nodes(1_000))
const builds = Array.from({ length: 3 }, () => {
  const startedMs = systemClock.nowMs()
  buildRing(thousand).ownerIndex(keys[0]!)
  return systemClock.nowMs() - startedMs
})
print(`1,000 nodes built    in ${median(builds).toFixed(0)} ms (goal ≤ 1000)`)
print(`fullest of 50 nodes  ${(50 * Math.max(...ring.shares())).toFixed(3)} × the mean (goal ≤ 1.08)`)

function nanosPerKey<T>(all: readonly T[], read: (key: T) => number): number {
  let sink = 0
  const startedMs = systemClock.nowMs()
  for (const key of all) sink += read(key)
  const ms = systemClock.nowMs() - startedMs
  if (sink < 0) throw new Error('never: it keeps the loop from being optimized away')
  return (ms / all.length) * 1e6
}
