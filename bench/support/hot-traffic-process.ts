/**
 * Traffic whose every command is counted, by key: 90 % GET and 10 % SET of 100 B at a steady rate over the nodes of a topology.
 * Speaks with hot-traffic.ts over the fork's channel.
 */
import { connect, type Socket } from 'node:net'
import { systemClock } from '../../src/clock.js'
import { loadTopology } from '../../src/files/topology-file.js'
import { createRandom } from '../../src/random.js'
import { buildRing } from '../../src/ring/build-ring.js'
import { createScatter } from '../../src/workload/key-distribution.js'
import { createZipf } from '../../src/workload/zipf.js'
import {
  hotKeyName,
  type Pattern,
  type TrafficOrder,
  type TrafficTruth,
  type TrafficWindow,
} from './hot-traffic.js'

/** So many that a connection has had its reply before its next command: pipelined ones would cost the server less. */
const connectionsPerNode = 64
const rememberedMs = 120_000
const valueBytes = 100
const setShare = 0.1
/** Replies that may be outstanding on one connection; beyond that the server is behind, and we wait. */
const maxOutstandingBytes = 1_000_000
const setReplyBytes = '+OK\r\n'.length
const value = 'v'.repeat(valueBytes)
const getReplyBytes = `$${valueBytes}\r\n${value}\r\n`.length

interface Lane {
  readonly socket: Socket
  expected: number
  received: number
  text: string
}

process.once('message', (order) => void run(order as TrafficOrder))
process.once('disconnect', () => process.exit())

async function run({ topologyFile, pattern, opsPerSec, keyCount }: TrafficOrder): Promise<void> {
  const { topology } = await loadTopology(topologyFile)
  const ring = buildRing(topology)
  const names = keyCount + 1 // the last one is the spike's
  const owners = new Uint8Array(names)
  for (let key = 0; key < names; key++) owners[key] = ring.ownerIndex(Buffer.from(hotKeyName(key)))
  const lanes = await Promise.all(
    topology.nodes.map(({ address }) => {
      if (address.kind !== 'tcp') throw new Error('the traffic goes over TCP')
      return Promise.all(
        Array.from({ length: connectionsPerNode }, () => openLane(address.host, address.port)),
      )
    }),
  )
  await fill(lanes, owners)
  const random = createRandom(1)
  const startMs = systemClock.nowMs()
  const draw = drawOf(pattern, keyCount, random, () => systemClock.nowMs() - startMs)
  const sentKeys = new SentKeys(Math.ceil((opsPerSec * rememberedMs) / 1_000))
  const turns = new Uint32Array(lanes.length)
  let sent = 0
  setInterval(() => {
    const due = Math.floor(((systemClock.nowMs() - startMs) / 1000) * opsPerSec)
    // what could not be sent in time is not made up for: a generator that hurries shows another traffic
    if (due - sent > opsPerSec / 20) sent = due - opsPerSec / 20
    for (; sent < due; sent++) {
      const key = draw()
      const node = owners[key]!
      const lane = lanes[node]![turns[node]!++ % connectionsPerNode]!
      if (lane.expected - lane.received > maxOutstandingBytes) continue
      sentKeys.add(key)
      queue(lane, key, random.next() < setShare)
    }
    for (const lane of lanes.flat()) flush(lane)
    sentKeys.endTick()
  }, 1)
  process.send?.({ kind: 'ready' })
  const nodes = topology.nodes.map(({ id }) => id)
  process.on('message', (window) => {
    process.send?.(truthOf(sentKeys.counts(window as TrafficWindow, names), owners, nodes))
  })
}

/** The keys that were sent last, with the times of the ticks they were sent in. */
class SentKeys {
  private readonly keys: Uint32Array
  private count = 0
  private ticks: { readonly atMs: number; readonly count: number }[] = []

  constructor(private readonly capacity: number) {
    this.keys = new Uint32Array(capacity)
  }

  add(key: number): void {
    this.keys[this.count++ % this.capacity] = key
  }

  endTick(): void {
    const atMs = systemClock.wallMs()
    this.ticks.push({ atMs, count: this.count })
    if (this.ticks[0]!.atMs < atMs - 2 * rememberedMs)
      this.ticks = this.ticks.filter((tick) => tick.atMs >= atMs - rememberedMs)
  }

  counts({ fromMs, toMs }: TrafficWindow, names: number): Uint32Array {
    const counts = new Uint32Array(names)
    const before = (ms: number) => this.ticks.findLast(({ atMs }) => atMs <= ms)?.count ?? 0
    for (let at = Math.max(before(fromMs), this.count - this.capacity); at < before(toMs); at++)
      counts[this.keys[at % this.capacity]!]! += 1
    return counts
  }
}

function truthOf(counts: Uint32Array, owners: Uint8Array, nodes: readonly string[]): TrafficTruth {
  const nodeTotals = nodes.map(() => 0)
  let total = 0
  const seen: number[] = []
  for (const [key, count] of counts.entries()) {
    if (count === 0) continue
    nodeTotals[owners[key]!]! += count
    total += count
    seen.push(key)
  }
  seen.sort((a, b) => counts[b]! - counts[a]!)
  return {
    kind: 'truth',
    total,
    nodeTotals: Object.fromEntries(nodes.map((id, index) => [id, nodeTotals[index]!])),
    top: seen.slice(0, 2_000).map((key) => ({
      name: hotKeyName(key),
      node: nodes[owners[key]!]!,
      count: counts[key]!,
    })),
  }
}

function drawOf(
  pattern: Pattern,
  keyCount: number,
  random: ReturnType<typeof createRandom>,
  elapsedMs: () => number,
): () => number {
  switch (pattern.kind) {
    case 'uniform':
      return () => random.below(keyCount)
    case 'one':
      return () => (random.next() < pattern.share ? keyCount : random.below(keyCount))
    case 'zipf':
    case 'spike': {
      const rank = createZipf(keyCount, pattern.theta, random)
      const scatter = createScatter(keyCount)
      if (pattern.kind === 'zipf') {
        const { movesEveryMs } = pattern
        return () => {
          const shift = movesEveryMs === undefined ? 0 : Math.floor(elapsedMs() / movesEveryMs) * 100_003
          return scatter((rank() + shift) % keyCount)
        }
      }
      return () =>
        elapsedMs() % 1_000 < pattern.widthMs && random.next() < pattern.share ? keyCount : scatter(rank())
    }
    default:
      return pattern satisfies never
  }
}

function openLane(host: string, port: number): Promise<Lane> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true })
    const lane: Lane = { socket, expected: 0, received: 0, text: '' }
    socket.once('error', reject)
    socket.on('data', (chunk) => {
      lane.received += chunk.length
    })
    socket.once('connect', () => resolve(lane))
  })
}

async function fill(lanes: readonly (readonly Lane[])[], owners: Uint8Array): Promise<void> {
  for (const [key, node] of owners.entries()) {
    const lane = lanes[node]![key % connectionsPerNode]!
    queue(lane, key, true)
    if (lane.text.length < 64 * 1024) continue
    flush(lane)
    while (lane.expected - lane.received > 20_000) await systemClock.sleep(1)
  }
  for (const lane of lanes.flat()) flush(lane)
  while (lanes.flat().some((lane) => lane.received < lane.expected)) await systemClock.sleep(1)
}

function queue(lane: Lane, key: number, isSet: boolean): void {
  const name = hotKeyName(key)
  lane.text += isSet
    ? `*3\r\n$3\r\nSET\r\n$${name.length}\r\n${name}\r\n$${valueBytes}\r\n${value}\r\n`
    : `*2\r\n$3\r\nGET\r\n$${name.length}\r\n${name}\r\n`
  lane.expected += isSet ? setReplyBytes : getReplyBytes
}

function flush(lane: Lane): void {
  if (lane.text.length === 0) return
  lane.socket.write(lane.text, 'latin1')
  lane.text = ''
}
