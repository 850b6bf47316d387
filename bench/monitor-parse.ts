/**
 * What it costs us to read MONITOR: lines a second of one core, CPU time of this process, the best of several rounds.
 * 71-byte lines, in chunks as a socket gives them; keys by zipf(0.99). The peer is ioredis' own monitor.
 */
import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { PassThrough } from 'node:stream'
import { createKeyPositions } from '../src/hotkeys/key-positions.js'
import { MonitorStream } from '../src/hotkeys/monitor-stream.js'
import { createRandom } from '../src/random.js'
import { createZipf } from '../src/workload/zipf.js'
import { header, print } from './support/report.js'

const lineCount = 300_000
const chunkBytes = 65_536
const rounds = 10

header(`MONITOR, ${lineCount.toLocaleString('en')} lines`)
const rank = createZipf(1_000_000, 0.99, createRandom(1))
const lines = Array.from({ length: lineCount }, (_, index) => {
  const client = 50_000 + (index % 50)
  return `+1700000000.${String(100_000 + (index % 900_000))} [0 127.0.0.1:${client}] "GET" "product:detail:${String(rank()).padStart(7, '0')}"\r\n`
})
const bytes = Buffer.from(lines.join(''), 'latin1')
const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, index) =>
  // a socket's chunks have memory of their own
  Buffer.from(bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes)),
)
print(`${(bytes.length / lineCount).toFixed(0)} bytes a line`)

const positions = createKeyPositions([{ name: 'get', first: 1, last: 1, step: 1 }])
const ours = best(readByUs)
print(`cachectl ${millions(ours)} lines/s   (goal ≥ 2.00 M)`)
const theirs = best(readByIoredis)
print(`ioredis  ${millions(theirs)} lines/s`)
print(`ratio    ${(ours / theirs).toFixed(1)}`)

/** One reader after the other: they share a heap, and its collector. */
function best(read: () => number): number {
  return Math.max(...Array.from({ length: rounds }, () => linesPerSecond(read)))
}

function millions(count: number): string {
  return `${(count / 1e6).toFixed(2)} M`
}

function linesPerSecond(read: () => number): number {
  const before = process.cpuUsage()
  const count = read()
  const { user, system } = process.cpuUsage(before)
  if (count !== lineCount) throw new Error(`${count} of ${lineCount} lines were read`)
  return lineCount / ((user + system) / 1e6)
}

function readByUs(): number {
  let count = 0
  let keyBytes = 0
  const stream = new MonitorStream({
    positions,
    database: 0,
    onCommand: ({ keys }) => {
      count += 1
      keyBytes += keys[0]?.length ?? 0
    },
  })
  for (const chunk of chunks) stream.feed(chunk)
  return keyBytes > 0 ? count : 0
}

/** Its reader of replies on a connection in MONITOR mode, without the connection. */
function readByIoredis(): number {
  const { default: DataHandler } = createRequire(import.meta.url)('ioredis/built/DataHandler.js')
  const stream = new PassThrough()
  const redis = Object.assign(new EventEmitter(), { stream, status: 'monitoring', condition: {} })
  new DataHandler(redis, {})
  let count = 0
  redis.on('monitor', (_time: string, args: string[]) => {
    if (args[1]) count += 1
  })
  const [onData] = stream.listeners('data')
  for (const chunk of chunks) onData?.call(stream, chunk)
  return count
}
