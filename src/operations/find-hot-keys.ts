/** Samples the ring in short, jittered bursts, one node at a time, and estimates which keys are hot. */
import type { Clock } from '../clock.js'
import { burstLines, costMicros, pauseMs } from '../hotkeys/burst-schedule.js'
import { estimate } from '../hotkeys/estimate.js'
import { createKeyPositions, type KeyPositions } from '../hotkeys/key-positions.js'
import { parseMonitorLine } from '../hotkeys/monitor-line.js'
import type { HotKeysRun } from '../hotkeys/report.js'
import { isSettled } from '../hotkeys/stop-rule.js'
import { Tally } from '../hotkeys/tally.js'
import type { Random } from '../random.js'
import type { Topology } from '../ring/topology.js'
import type { MonitorPort, ProgressPort } from './ports.js'

export interface HotKeysRequest {
  readonly topology: Topology
  readonly top: number
  readonly durationMs: number
  /** Share of each node's time that sampling may take. */
  readonly budget: number
  readonly threshold: number
  /** Whether a command writes. */
  isWrite(command: string): boolean
  /** Of windows before, to go on with. */
  readonly tallies?: readonly Tally[]
}

export interface HotKeysPorts {
  readonly monitor: MonitorPort
  readonly clock: Clock
  readonly random: Random
  readonly progress: ProgressPort
  readonly signal: AbortSignal
}

const limits = { maxBytes: 256 * 1024, maxMs: 20 }
/** A bound on memory: about 60 MB of distinct keys. */
const maxSamples = 500_000

export async function findHotKeys(request: HotKeysRequest, ports: HotKeysPorts): Promise<HotKeysRun> {
  const { monitor, clock } = ports
  const { top, threshold, isWrite } = request
  const ids = request.topology.nodes.map((node) => node.id)
  const positions = createKeyPositions(await monitor.commandShapes(ids[0]!))
  const startedMs = clock.nowMs()
  const before = await Promise.all(ids.map((id) => monitor.commandCount(id)))
  const nodes = ids.map((id, index) => ({
    tally: request.tallies?.[index] ?? new Tally(id, { threshold }),
    micros: 0,
    meanLineBytes: 70,
  }))
  try {
    await sample(request, ports, { nodes, positions, startedMs })
  } finally {
    ports.progress.end()
  }
  const seconds = (clock.nowMs() - startedMs) / 1000
  const after = await Promise.all(ids.map((id) => monitor.commandCount(id)))
  const opsPerSec = new Map(
    ids.map((id, index) => [id, Math.max(0, after[index]! - before[index]!) / seconds]),
  )
  const tallies = nodes.map(({ tally }) => tally)
  return {
    tallies,
    estimate: estimate(tallies, { top, threshold, opsPerSec, isWrite }),
    opsPerSec,
    seconds,
    cost: { share: Math.max(...nodes.map((node) => node.micros)) / 1e6 / seconds, isMeasured: false },
    sources: ids.map((node) => ({ node, source: 'monitor', reason: 'counted bursts of MONITOR' })),
    interrupted: ports.signal.aborted,
  }
}

interface SampledNode {
  readonly tally: Tally
  micros: number
  meanLineBytes: number
}

async function sample(
  request: HotKeysRequest,
  { monitor, clock, random, progress, signal }: HotKeysPorts,
  run: { nodes: readonly SampledNode[]; positions: KeyPositions; startedMs: number },
): Promise<void> {
  const { nodes, positions, startedMs } = run
  let sampled = 0
  const opsPerSec = new Map(nodes.map(({ tally }) => [tally.node, 1]))
  const isDone = () => {
    const { threshold, top, isWrite, tallies } = request
    // a window of many goes on to its end
    if (tallies) return false
    const found = estimate(
      nodes.map(({ tally }) => tally),
      { threshold, top, opsPerSec, isWrite },
    )
    return isSettled(found, { threshold, opsPerSec })
  }
  while (
    !signal.aborted &&
    clock.nowMs() - startedMs < request.durationMs &&
    sampled < maxSamples &&
    !isDone()
  ) {
    // a fresh order each round: no node is always sampled right after another
    for (const node of shuffle(nodes, random)) {
      const leftMs = request.durationMs - (clock.nowMs() - startedMs)
      if (signal.aborted || leftMs <= 0) return
      const { lines, bytes } = await monitor.burst(node.tally.node, {
        ...limits,
        maxLines: burstLines(node.meanLineBytes),
      })
      const commands = lines.flatMap((line) => {
        const parsed = parseMonitorLine(line, positions)
        if (!parsed) return []
        const client = line.toString('latin1', line.indexOf(' ', line.indexOf('[')) + 1, line.indexOf('] "'))
        const keys = [...new Set(parsed.keys.map((key) => key.toString('latin1')))]
        return [{ command: parsed.command, keys, bytes: line.length, client }]
      })
      node.tally.add({ node: node.tally.node, atMs: clock.nowMs(), commands })
      sampled += lines.length
      if (lines.length > 0) node.meanLineBytes = 0.8 * node.meanLineBytes + 0.2 * (bytes / lines.length)
      const micros = costMicros(lines.length, bytes)
      node.micros += micros
      progress.update(`sampled ${sampled.toLocaleString('en')} commands, ${Math.ceil(leftMs / 1000)} s left`)
      const waitMs = Math.min(
        leftMs,
        pauseMs(micros, { budget: request.budget, nodeCount: nodes.length, random }),
      )
      await clock.sleep(waitMs, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
    }
  }
}

function shuffle<T>(items: readonly T[], random: Random): T[] {
  const shuffled = [...items]
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = random.below(last + 1)
    const kept = shuffled[last]!
    shuffled[last] = shuffled[other]!
    shuffled[other] = kept
  }
  return shuffled
}
