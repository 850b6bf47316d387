/** Samples the ring in short, jittered bursts, one node at a time, and estimates which keys are hot. */
import type { Clock } from '../clock.js'
import { burstLines, costMicros, pauseMs } from '../hotkeys/burst-schedule.js'
import { type Estimate, estimate } from '../hotkeys/estimate.js'
import { createKeyPositions, type KeyPositions } from '../hotkeys/key-positions.js'
import { parseMonitorLine } from '../hotkeys/monitor-line.js'
import { addBurst, createTally, type NodeTally } from '../hotkeys/tally.js'
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
}

export interface HotKeysPorts {
  readonly monitor: MonitorPort
  readonly clock: Clock
  readonly random: Random
  readonly progress: ProgressPort
  readonly signal: AbortSignal
}

export interface HotKeysOutcome extends Estimate {
  readonly seconds: number
  readonly ringOpsPerSec: number
  /** Modelled share of a node's time that sampling took: the largest of the nodes. */
  readonly cost: number
  readonly interrupted: boolean
}

const limits = { maxBytes: 256 * 1024, maxMs: 20 }
/** A bound on memory: about 60 MB of distinct keys. */
const maxSamples = 500_000

export async function findHotKeys(request: HotKeysRequest, ports: HotKeysPorts): Promise<HotKeysOutcome> {
  const { monitor, clock } = ports
  const ids = request.topology.nodes.map((node) => node.id)
  const positions = createKeyPositions(await monitor.commandShapes(ids[0]!))
  const startedMs = clock.nowMs()
  const before = await Promise.all(ids.map((id) => monitor.commandCount(id)))
  const nodes = ids.map((id) => ({ tally: createTally(id), micros: 0, meanLineBytes: 70 }))
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
  const { top, threshold } = request
  return {
    ...estimate(
      nodes.map((node) => node.tally),
      { top, threshold, opsPerSec },
    ),
    seconds,
    ringOpsPerSec: [...opsPerSec.values()].reduce((sum, ops) => sum + ops, 0),
    cost: Math.max(...nodes.map((node) => node.micros)) / 1e6 / seconds,
    interrupted: ports.signal.aborted,
  }
}

interface SampledNode {
  readonly tally: NodeTally
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
  while (!signal.aborted && clock.nowMs() - startedMs < request.durationMs && sampled < maxSamples) {
    // a fresh order each round: no node is always sampled right after another
    for (const node of shuffle(nodes, random)) {
      const leftMs = request.durationMs - (clock.nowMs() - startedMs)
      if (signal.aborted || leftMs <= 0) return
      const { lines, bytes } = await monitor.burst(node.tally.node, {
        ...limits,
        maxLines: burstLines(node.meanLineBytes),
      })
      const commands = lines.flatMap((line) => parseMonitorLine(line, positions) ?? [])
      addBurst(node.tally, commands)
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
