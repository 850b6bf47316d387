/** A saved log, read to its end: one node, whose time is that of its lines. */
import { estimate } from '../../hotkeys/estimate.js'
import type { HotKeysRun } from '../../hotkeys/report.js'
import { isSettled } from '../../hotkeys/stop-rule.js'
import { Tally } from '../../hotkeys/tally.js'
import type { ProgressPort } from '../ports.js'
import type { BurstSource } from './ports.js'

export interface LogPort extends BurstSource {
  /** No burst comes any more. */
  readonly isAtEnd: boolean
  /** Of the lines so far, ms. */
  readonly spanMs: number
  readonly commandCount: number
}

const node = 'log'
const limits = { maxLines: 500, maxBytes: 256 * 1024, maxMs: 1_000 }

export async function readLog(
  log: LogPort,
  request: { readonly threshold: number; readonly top: number },
  { progress, signal }: { readonly progress: ProgressPort; readonly signal: AbortSignal },
): Promise<HotKeysRun> {
  const tally = new Tally(node, request)
  try {
    while (!log.isAtEnd && !signal.aborted) {
      tally.add(await log.burst(node, limits))
      progress.update(`read ${log.commandCount.toLocaleString('en')} commands`)
    }
  } finally {
    progress.end()
  }
  const seconds = log.spanMs / 1000
  const opsPerSec = new Map([[node, seconds > 0 ? log.commandCount / seconds : 0]])
  const found = estimate([tally], { ...request, opsPerSec })
  return {
    tallies: [tally],
    estimate: found,
    ...{ opsPerSec, seconds, rankings: [], interrupted: signal.aborted },
    cost: { share: 0, isMeasured: true, serverMs: 0 },
    sources: [{ node, source: 'log', reason: 'asked for', notes: log.notes, budgetPart: 1 }],
    settled: isSettled(found, { ...request, opsPerSec }),
  }
}
