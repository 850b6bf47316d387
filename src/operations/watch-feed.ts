/** One node's monitor under its bounds: lines become rows, and what exceeds a bound ends the recording. */
import type { Clock } from '../clock.js'
import { monitoringMicros } from '../hotkeys/cost-model.js'
import { parseRequests } from '../hotkeys/monitored-requests.js'
import { printable } from '../printable.js'
import type { NodeSpec } from '../ring/topology.js'
import type { NodeTraffic } from './ports.js'
import type { Timeline } from './record-timeline.js'

export interface FeedBounds {
  /** Commands of one node within a second. */
  readonly maxRatePerSec: number
  /** Share of one node's time that its monitor may take within a second, by the model. */
  readonly maxCost: number
}

export type BoundEnding = 'rate' | 'cost' | 'lag'

export interface WatchedFeed {
  readonly commandCount: number
  /** Without a key, scripts' calls, other databases. */
  readonly skippedCount: number
  /** The server's time that the monitor took, by the model, µs. */
  readonly costMicros: number
  take(lines: readonly Buffer[], bytes: number): void
}

/** A line this old when it is read: the server holds what came since in its memory. */
const maxLagMs = 1_000
/** About 60 bytes each; a file that takes so long to write is no place to record to. */
const maxWaiting = 500_000
const maxClients = 1_000_000

export function watchFeed(
  node: NodeSpec,
  traffic: NodeTraffic,
  options: {
    readonly bounds: FeedBounds
    readonly timeline: Timeline
    readonly clock: Clock
    /** Numbers of connections, of all nodes together. */
    readonly clients: Map<string, number>
    readonly end: (ending: BoundEnding, why: string) => void
  },
): WatchedFeed {
  const { bounds, timeline, clock, clients, end } = options
  const name = printable(node.id)
  const offsetMicros = Math.round(traffic.clockOffsetMs * 1000)
  const second = { startedMs: Number.NEGATIVE_INFINITY, commandCount: 0, costMicros: 0 }
  const counts = { commandCount: 0, skippedCount: 0, costMicros: 0 }

  const account = (lineCount: number, bytes: number) => {
    const nowMs = clock.nowMs()
    if (nowMs - second.startedMs >= 1000) {
      second.startedMs = nowMs
      second.commandCount = 0
      second.costMicros = 0
    }
    const micros = monitoringMicros(lineCount, bytes)
    second.commandCount += lineCount
    second.costMicros += micros
    counts.commandCount += lineCount
    counts.costMicros += micros
    if (second.commandCount > bounds.maxRatePerSec)
      end('rate', `node ${name} executed more than ${bounds.maxRatePerSec} commands within a second`)
    if (second.costMicros > bounds.maxCost * 1e6)
      end('cost', `monitoring took more than ${bounds.maxCost * 100} % of node ${name}'s time`)
  }
  const clientOf = (client: string): number => {
    const known = clients.get(client)
    if (known !== undefined) return known
    const number = Math.min(clients.size, maxClients)
    if (number < maxClients) clients.set(client, number)
    return number
  }
  return {
    get commandCount() {
      return counts.commandCount
    },
    get skippedCount() {
      return counts.skippedCount
    },
    get costMicros() {
      return counts.costMicros
    },
    take(lines, bytes) {
      account(lines.length, bytes)
      let oldestMicros: number | undefined
      for (const line of lines) {
        const parsed = parseRequests(line, traffic.commands)
        if (parsed) oldestMicros ??= parsed.atMicros - offsetMicros
        if (!parsed || parsed.database !== node.db || parsed.requests.length === 0) {
          counts.skippedCount += 1
          continue
        }
        const row = { atMicros: parsed.atMicros - offsetMicros, client: clientOf(parsed.client) }
        for (const request of parsed.requests) timeline.add({ ...request, ...row })
      }
      if (oldestMicros !== undefined && clock.wallMs() - oldestMicros / 1000 > maxLagMs)
        end('lag', `node ${name}'s commands are read more than ${maxLagMs / 1000} s late`)
      if (timeline.waitingCount > maxWaiting)
        end('lag', 'the trace file is written more slowly than commands come')
    },
  }
}
