/** A saved log, read to its end: one node, whose time is that of its lines. */
import { estimate } from '../../hotkeys/estimate.js'
import type { HotKeysRun } from '../../hotkeys/report.js'
import { logNode } from '../../hotkeys/sampled.js'
import { isSettled } from '../../hotkeys/stop-rule.js'
import { exactKeysOf, Tally } from '../../hotkeys/tally.js'
import type { ProgressPort } from '../ports.js'
import type { LogPort } from './ports.js'

const limits = { maxLines: 500, maxBytes: 256 * 1024, maxMs: 1_000 }

export async function readLog(
  log: LogPort,
  request: { readonly threshold: number; readonly top: number },
  { progress, signal }: { readonly progress: ProgressPort; readonly signal: AbortSignal },
): Promise<HotKeysRun> {
  const tally = new Tally(logNode, { ...request, exactKeys: exactKeysOf(1) })
  try {
    while (!log.isAtEnd && !signal.aborted) {
      tally.add(await log.burst(logNode, limits))
      progress.update(`read ${log.commandCount.toLocaleString('en')} commands`)
    }
  } finally {
    progress.end()
  }
  const seconds = log.spanMs / 1000
  const opsPerSec = new Map([[logNode, seconds > 0 ? log.commandCount / seconds : 0]])
  const found = estimate([tally], { ...request, opsPerSec })
  return {
    tallies: [tally],
    estimate: found,
    ...{ opsPerSec, seconds, rankings: [], interrupted: signal.aborted },
    cost: { share: 0, isMeasured: true, serverMs: 0 },
    sources: [
      { node: logNode, source: 'log', reason: 'no server is asked', notes: log.notes, budgetPart: 1 },
    ],
    settled: isSettled(found, opsPerSec),
  }
}
