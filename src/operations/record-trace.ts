/**
 * Records the live traffic of all nodes as a trace without values. MONITOR costs a server time for every command, and a
 * reader that falls behind costs it memory: what exceeds a bound ends the recording, and what there is, is kept.
 */
import type { Clock } from '../clock.js'
import { describeError, refused } from '../errors.js'
import { monitoringMicros } from '../hotkeys/cost-model.js'
import { printable } from '../printable.js'
import type { Topology } from '../ring/topology.js'
import type { MonitorFeed, MonitorFeedPort, ProgressPort, TraceSink } from './ports.js'
import { createTimeline, type Timeline, type TimelineCounts } from './record-timeline.js'
import { type BoundEnding, type FeedBounds, watchFeed } from './watch-feed.js'

export interface RecordRequest extends FeedBounds {
  readonly topology: Topology
  readonly durationMs: number
  /** 0: no limit. */
  readonly requestLimit: number
}

export interface RecordPorts {
  readonly feeds: MonitorFeedPort
  /** Opened when it was confirmed, so that an old file survives a refusal. */
  readonly openSink: () => Promise<TraceSink>
  readonly clock: Clock
  readonly progress: ProgressPort
  /** Says what it will cost, and asks. Errors: `refused`. */
  readonly confirm: (forecast: readonly NodeForecast[]) => Promise<void>
  /** All monitors are open: what is executed from now on is recorded. */
  readonly begun: () => void
  readonly signal: AbortSignal
}

/** What monitoring costs a node whose traffic stays as it is. */
export interface NodeForecast {
  readonly node: string
  readonly opsPerSec: number
  /** Share of its time. */
  readonly cost: number
}

export type Ending = 'duration' | 'requests' | 'interrupted' | 'suspended' | 'node' | BoundEnding

export interface RecordOutcome extends TimelineCounts {
  readonly endedBy: Ending
  /** A sentence, where it was not the end that was asked for. */
  readonly why?: string
  readonly seconds: number
  /** Commands without a key, scripts' calls, other databases. */
  readonly skippedCount: number
  readonly nodes: readonly RecordedNode[]
}

export interface RecordedNode {
  readonly node: string
  readonly commandCount: number
  /** Share of its time that its monitor took, by the model. */
  readonly cost: number
}

const tickMs = 50

/** Errors before anything is recorded: `refused` (not confirmed, above a bound already), `unreachable`. */
export async function recordTrace(request: RecordRequest, ports: RecordPorts): Promise<RecordOutcome> {
  const { feeds, clock } = ports
  const { nodes } = request.topology
  const traffic = await Promise.all(nodes.map((node) => feeds.survey(node.id)))
  const forecast = nodes.map(({ id }, index) => forecastOf(id, traffic[index]!))
  refuseAboveBounds(request, forecast)
  await ports.confirm(forecast)

  const sink = await ports.openSink()
  const timeline = createTimeline(sink, request.requestLimit)
  const run = createRun(ports.signal)
  const clients = new Map<string, number>()
  const watched = nodes.map((node, index) =>
    watchFeed(node, traffic[index]!, { bounds: request, timeline, clock, clients, end: run.end }),
  )
  const open: MonitorFeed[] = []
  const closeAll = () => {
    for (const feed of open) feed.close()
  }
  run.stop.addEventListener('abort', closeAll)
  let startedMs: number | undefined
  try {
    const opened = nodes.map(async ({ id }, index) => {
      const feed = await feeds.open(id, (lines, bytes) => {
        // what one node shows before all are open would be traffic without the others'
        if (startedMs !== undefined && !run.endedBy) watched[index]!.take(lines, bytes)
      })
      open.push(feed)
      feed.ended.then(
        () => run.end('suspended', 'the process was stopped'),
        (error: unknown) => run.end('node', describeError(error)),
      )
    })
    // all of them, also when one fails: each that opens has to be closed
    const failed = (await Promise.allSettled(opened)).find((each) => each.status === 'rejected')
    if (failed) throw failed.reason
    startedMs = clock.nowMs()
    if (!run.endedBy) ports.begun()
    await follow(request, ports, { run, timeline, startedMs })
  } finally {
    closeAll()
    ports.progress.end()
    await sink.close()
  }
  const seconds = Math.max(0.001, (clock.nowMs() - startedMs) / 1000)
  return {
    ...timeline.counts,
    endedBy: run.endedBy ?? 'duration',
    ...(run.why === undefined ? {} : { why: run.why }),
    seconds,
    skippedCount: watched.reduce((sum, { skippedCount }) => sum + skippedCount, 0),
    nodes: watched.map(({ commandCount, costMicros }, index) => ({
      node: nodes[index]!.id,
      commandCount,
      cost: costMicros / 1e6 / seconds,
    })),
  }
}

/** Writes what is due until the run ends, and then the rest. */
async function follow(
  request: RecordRequest,
  { clock, progress }: RecordPorts,
  { run, timeline, startedMs }: { run: Run; timeline: Timeline; startedMs: number },
): Promise<void> {
  const { requestLimit, durationMs } = request
  while (!run.endedBy) {
    await clock.sleep(tickMs, run.stop).catch((error: unknown) => {
      if (!run.endedBy) throw error
    })
    await timeline.write(clock.wallMs() * 1000)
    const leftMs = startedMs + durationMs - clock.nowMs()
    if (requestLimit > 0 && timeline.counts.requestCount >= requestLimit) run.end('requests')
    else if (leftMs <= 0) run.end('duration')
    const count = timeline.counts.requestCount.toLocaleString('en')
    progress.update(`recorded ${count} requests, ${Math.ceil(Math.max(0, leftMs) / 1000)} s left`)
  }
  await timeline.write(Number.POSITIVE_INFINITY)
}

interface Run {
  readonly endedBy: Ending | undefined
  readonly why: string | undefined
  /** Aborted when the run ends. */
  readonly stop: AbortSignal
  /** The first one counts. */
  readonly end: (ending: Ending, why?: string) => void
}

function createRun(signal: AbortSignal): Run {
  const stop = new AbortController()
  let endedBy: Ending | undefined
  let sentence: string | undefined
  const end = (ending: Ending, why?: string) => {
    if (endedBy) return
    endedBy = ending
    sentence = why
    stop.abort()
  }
  if (signal.aborted) end('interrupted')
  else signal.addEventListener('abort', () => end('interrupted'), { once: true })
  return {
    get endedBy() {
      return endedBy
    },
    get why() {
      return sentence
    },
    stop: stop.signal,
    end,
  }
}

/** MONITOR repeats about what comes in, and half as much again of quotes and addresses. */
const lineBytesPerInputByte = 1.5

function forecastOf(
  node: string,
  { opsPerSec, inputBytesPerSec }: { opsPerSec: number; inputBytesPerSec: number },
): NodeForecast {
  const cost = monitoringMicros(opsPerSec, inputBytesPerSec * lineBytesPerInputByte) / 1e6
  return { node, opsPerSec, cost }
}

function refuseAboveBounds(bounds: FeedBounds, forecast: readonly NodeForecast[]): void {
  for (const { node, opsPerSec, cost } of forecast) {
    const where = `node ${printable(node)}`
    if (opsPerSec > bounds.maxRatePerSec)
      throw refused(
        `${where} executes ${Math.round(opsPerSec)} commands a second, more than --max-rate ${bounds.maxRatePerSec}`,
        'Nothing was recorded. Record when there is less traffic, or raise --max-rate.',
      )
    if (cost > bounds.maxCost)
      throw refused(
        `monitoring would take ${Math.round(cost * 100)} % of ${where}'s time, more than --max-cost ${bounds.maxCost * 100}%`,
        'Nothing was recorded. Record when there is less traffic, or raise --max-cost.',
      )
  }
}
