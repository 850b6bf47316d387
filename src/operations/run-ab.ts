/**
 * Two sides measured in turns, A B B A A B B A …: a machine that drifts drifts under both. Each turn is a short closed or
 * open loop of its own; the first of each side is a warm-up and is not counted.
 */
import { foldRun } from '../measure/bench-measures.js'
import { type SliceMeasures, type SlicePair, sliceOf } from '../measure/compare-pairs.js'
import { shortfalls } from '../measure/trust.js'
import type { BenchRequest } from './run-bench.js'
import { type LoadKeysPorts, withLoadKeys } from './with-load-keys.js'

export interface AbSide {
  readonly request: BenchRequest
  readonly ports: LoadKeysPorts
}

export interface AbOptions {
  readonly pairs: number
  readonly sliceMs: number
}

export interface AbOutcome {
  readonly pairs: readonly SlicePair[]
  readonly interrupted: boolean
  readonly warnings: readonly string[]
}

/** Of each turn, not counted: connections and caches settle. */
const settleMs = 100

export function runAb(sides: { a: AbSide; b: AbSide }, options: AbOptions): Promise<AbOutcome> {
  const { a, b } = sides
  return withLoadKeys(a.request, a.ports, () =>
    withLoadKeys(b.request, b.ports, () => takeTurns(sides, options)),
  )
}

async function takeTurns({ a, b }: { a: AbSide; b: AbSide }, options: AbOptions): Promise<AbOutcome> {
  const { signal, progress } = a.ports
  const warnings = new Set<string>()
  const pairs: SlicePair[] = []
  const turn = async (name: 'A' | 'B', pair: number): Promise<SliceMeasures> => {
    const side = name === 'A' ? a : b
    const label = pair === 0 ? 'warming up' : `pair ${pair} of ${options.pairs}`
    progress.update(`${label}: ${name}`)
    const { measures, lack } = await takeTurn(side, options.sliceMs)
    if (lack !== undefined && pair > 0 && !signal.aborted) warnings.add(`${name}: ${lack}`)
    return measures
  }
  for (let pair = 0; pair <= options.pairs; pair++) {
    const first = pair % 2 === 0 ? 'A' : 'B'
    const one = await turn(first, pair)
    if (signal.aborted) break
    const other = await turn(first === 'A' ? 'B' : 'A', pair)
    if (signal.aborted) break
    if (pair > 0) pairs.push(first === 'A' ? { a: one, b: other } : { a: other, b: one })
  }
  return { pairs, interrupted: signal.aborted, warnings: [...warnings] }
}

async function takeTurn({ request, ports }: AbSide, sliceMs: number) {
  const phase = { ...request.phases[0]!, durationMs: sliceMs }
  const counts = await ports.load.run(
    {
      ...request,
      warmup: { kind: 'time', ms: settleMs },
      phases: [phase],
      requestLimit: 0,
      watchNodes: false,
    },
    { signal: ports.signal, onProgress: () => {} },
  )
  const measures = foldRun(counts)
  const problem = measures.errors > 0 ? `${measures.errors} errors` : undefined
  return {
    measures: sliceOf(measures),
    lack: problem ?? shortfalls(measures).find(({ failsGates }) => failsGates)?.text,
  }
}
