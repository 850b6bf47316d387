/**
 * Two sides measured in turns, A B B A A B B A …: a machine that drifts drifts under both. Turns are short, because a shared
 * machine changes from one tenth of a second to the next; some of each side make up a slice, and two slices a pair. The
 * first pair is a warm-up and is not counted.
 */
import { foldRun } from '../measure/bench-measures.js'
import { type SliceMeasures, type SlicePair, sliceOf } from '../measure/compare-pairs.js'
import type { RunCounts } from '../measure/run-counts.js'
import { shortfalls } from '../measure/trust.js'
import { beyondFirstPhase } from './first-phase.js'
import type { LoadRequest, TurnsPort } from './ports.js'
import type { BenchRequest } from './run-bench.js'
import { type LoadKeysPorts, withLoadKeys } from './with-load-keys.js'

export interface AbSide {
  readonly request: BenchRequest
  readonly ports: LoadKeysPorts
}

export interface AbSides {
  readonly a: AbSide
  readonly b: AbSide
  readonly turns: TurnsPort
}

export interface AbOptions {
  readonly pairs: number
  /** Of each side in each pair. */
  readonly sliceMs: number
}

export interface AbOutcome {
  readonly pairs: readonly SlicePair[]
  readonly interrupted: boolean
  readonly warnings: readonly string[]
}

const shortestTurnMs = 50
/** On schedule; with fewer, a turn would have one request more or less by chance. */
const requestsATurn = 100
/** Of each side: connections, caches and compiled code settle. */
const warmupMs = 1_000

export function runAb(sides: AbSides, options: AbOptions): Promise<AbOutcome> {
  const { a, b } = sides
  return withLoadKeys(a.request, a.ports, () =>
    withLoadKeys(b.request, b.ports, () => takeTurns(sides, options)),
  )
}

async function takeTurns({ a, b, turns }: AbSides, options: AbOptions): Promise<AbOutcome> {
  const { signal, progress } = a.ports
  const lacks = { A: [] as string[], B: [] as string[] }
  const pairs: SlicePair[] = []
  const turnMs = Math.min(options.sliceMs, Math.max(turnMsOf(a.request), turnMsOf(b.request)))
  const turnsIn = (ms: number) => Math.max(1, Math.round(ms / turnMs))
  const counted = Array.from({ length: options.pairs }, () => turnsIn(options.sliceMs))
  const requests = { a: inTurns(a.request, turnMs), b: inTurns(b.request, turnMs) }
  const told = (name: 'A' | 'B', counts: RunCounts): SliceMeasures => {
    const { measures, lack } = judged(counts)
    if (lack !== undefined) lacks[name].push(lack)
    return measures
  }
  let isWarm = false
  progress.update('warming up')
  for await (const pair of turns.run(requests, { turnMs, pairs: [turnsIn(warmupMs), ...counted], signal })) {
    if (isWarm) pairs.push({ a: told('A', pair.a), b: told('B', pair.b) })
    isWarm = true
    progress.update(`pair ${pairs.length + 1} of ${options.pairs}`)
  }
  const warnings = new Set([...beyondFirstPhase(a.request.phases), ...beyondFirstPhase(b.request.phases)])
  for (const [name, [first, ...others]] of Object.entries(lacks)) {
    if (first === undefined) continue
    warnings.add(`${name}, in ${1 + others.length} of ${pairs.length} slices; the first: ${first}`)
  }
  if (pairs.length < options.pairs && !signal.aborted)
    warnings.add(`a load was over after ${pairs.length} of ${options.pairs} pairs: it has no more requests`)
  return { pairs, interrupted: signal.aborted, warnings: [...warnings] }
}

function inTurns(request: BenchRequest, turnMs: number): LoadRequest {
  return {
    ...request,
    warmup: { kind: 'time', ms: 0 },
    phases: [{ ...request.phases[0]!, durationMs: turnMs }],
    requestLimit: 0,
    watchNodes: false,
  }
}

function turnMsOf({ phases }: BenchRequest): number {
  const { rate } = phases[0]!
  if (rate.kind !== 'open') return shortestTurnMs
  const { fromPerSec, toPerSec } = rate.segments[0]!
  return Math.max(shortestTurnMs, (requestsATurn * 1_000) / Math.max(fromPerSec, toPerSec))
}

function judged(counts: RunCounts): { measures: SliceMeasures; lack: string | undefined } {
  const measures = foldRun(counts)
  const problem = measures.errors > 0 ? `${measures.errors} errors` : undefined
  return {
    measures: sliceOf(measures),
    lack: problem ?? shortfalls(measures).find(({ failsGates }) => failsGates)?.text,
  }
}
