/** MONITOR on a connection of its own, line by line until it is closed, and with it the server's monitor. */
import { setMaxListeners } from 'node:events'
import type { Socket } from 'node:net'
import type { Clock } from '../clock.js'
import { unreachable } from '../errors.js'
import type { MonitorFeed, MonitorFeedPort, NodeAccess, NodeTraffic } from '../operations/ports.js'
import { readCommandTable } from './command-table.js'
import { encodeCommands, ReplyError } from './resp.js'
import { handshake, openConnection, type RespConnection, replyFailure } from './resp-connection.js'
import { connectionError, nodeName, openSocket } from './socket.js'

const newline = 10
const confirmTimeoutMs = 2_000

export function createMonitorFeeds(
  accesses: readonly NodeAccess[],
  clock: Clock,
): MonitorFeedPort & { close(): void } {
  const byId = new Map(accesses.map((access) => [access.node.id, access]))
  const stop = new AbortController()
  // each feed takes its listener off again
  setMaxListeners(0, stop.signal)
  const accessOf = (node: string): NodeAccess => {
    const access = byId.get(node)
    if (!access) throw new Error(`no node ${node}`)
    return access
  }
  return {
    survey: (node) => survey(accessOf(node), clock),
    open: (node, onLines) => openMonitor(accessOf(node), onLines, stop.signal),
    close: () => stop.abort(),
  }
}

/**
 * Resolves when MONITOR is confirmed; `onLines` may be called before. Aborting the signal closes it, also while it opens.
 * Errors: `unreachable`, `refused` (rights), naming the node.
 */
export async function openMonitor(
  access: NodeAccess,
  onLines: (lines: readonly Buffer[], bytes: number) => void,
  signal: AbortSignal,
): Promise<MonitorFeed> {
  const socket = await openSocket(access.node)
  const splitter = createSplitter()
  let greetingsLeft = handshake(access).length + 1
  let isClosed = false
  let confirm = () => {}
  let refuse = (_error: unknown) => {}
  const confirmed = new Promise<void>((resolve, reject) => {
    confirm = resolve
    refuse = reject
  })
  const close = () => {
    isClosed = true
    socket.destroy()
  }
  const ended = endOf(socket, access, () => isClosed)
  // whoever opens learns of a failure below; whoever follows, from `ended`
  ended.catch(refuse)
  const timer = setTimeout(() => {
    refuse(unreachable(`node ${nodeName(access.node)}: MONITOR was not answered within 2 s`))
  }, confirmTimeoutMs)
  signal.addEventListener('abort', close, { once: true })
  ended.then(refuse, () => undefined).finally(() => signal.removeEventListener('abort', close))
  socket.on('data', (chunk: Buffer) => {
    let lines = splitter.split(chunk)
    for (; greetingsLeft > 0 && lines.length > 0; greetingsLeft--) {
      if (lines[0]![0] === 0x2d) return refuse(refusal(access, lines[0]!))
      lines = lines.slice(1)
    }
    if (greetingsLeft > 0) return
    confirm()
    onLines(lines, chunk.length)
  })
  if (signal.aborted) close()
  else socket.write(encodeCommands([...handshake(access), ['MONITOR']]))
  try {
    await confirmed
  } catch (error) {
    close()
    throw connectionError(access.node, error ?? new Error('closed before MONITOR was confirmed'))
  } finally {
    clearTimeout(timer)
  }
  return { ended, close }
}

function endOf(socket: Socket, access: NodeAccess, isClosed: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const lost = (error: unknown) => (isClosed() ? resolve() : reject(connectionError(access.node, error)))
    socket.on('error', lost)
    socket.on('close', () => lost(new Error('the connection was closed by the server')))
  })
}

/** Cuts a stream at its line ends; a long line is put together once, not again with each piece. */
function createSplitter(): { split(chunk: Buffer): Buffer[] } {
  let pieces: Buffer[] = []
  return {
    split(chunk) {
      const lines: Buffer[] = []
      let start = 0
      for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
        const tail = chunk.subarray(start, end)
        lines.push(pieces.length > 0 ? Buffer.concat([...pieces, tail]) : tail)
        pieces = []
        start = end + 1
      }
      if (start < chunk.length) pieces.push(chunk.subarray(start))
      return lines
    },
  }
}

function refusal(access: NodeAccess, line: Buffer): Error {
  const text = line.toString('utf8', 1).trim()
  return replyFailure(access, 'MONITOR', new ReplyError(text.split(' ', 1)[0] ?? '', text))
}

async function survey(access: NodeAccess, clock: Clock): Promise<NodeTraffic> {
  const connection = await openConnection(access)
  try {
    const commands = await readCommandTable(connection)
    const info = String(await connection.call('INFO', 'stats'))
    const fact = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0)
    return {
      opsPerSec: fact('instantaneous_ops_per_sec'),
      inputBytesPerSec: fact('instantaneous_input_kbps') * 1024,
      clockOffsetMs: await measureOffset(connection, clock),
      commands,
    }
  } finally {
    connection.close()
  }
}

const offsetTries = 5
/** What a wall clock of whole milliseconds tells. */
const wallResolutionMs = 1

/**
 * The node's clock minus ours, ms, from the quickest of a few answers. 0 where the difference is no larger than what can
 * be measured: correcting by noise would disorder nodes whose clocks agree.
 */
async function measureOffset(connection: RespConnection, clock: Clock): Promise<number> {
  let best = { tripMs: Number.POSITIVE_INFINITY, offsetMs: 0 }
  for (let attempt = 0; attempt < offsetTries; attempt++) {
    const askedMs = clock.nowMs()
    const time = await connection.call('TIME')
    const tripMs = clock.nowMs() - askedMs
    const [seconds = 0, micros = 0] = Array.isArray(time) ? time.map(Number) : []
    const offsetMs = seconds * 1000 + micros / 1000 - (clock.wallMs() - tripMs / 2)
    if (tripMs < best.tripMs) best = { tripMs, offsetMs }
  }
  return Math.abs(best.offsetMs) <= best.tripMs / 2 + wallResolutionMs ? 0 : best.offsetMs
}
