/**
 * The highest rate that keeps some gates: doubled until one fails, then halved in the logarithm, and the answer is run
 * once more, longer. A rate that the generator or the servers could not keep up with fails, whatever its latencies. One
 * that fails is tried a second time, because a machine's hiccup must not end the search.
 */
import { agentProblems } from '../measure/agents.js'
import { type BenchMeasures, foldRun } from '../measure/bench-measures.js'
import { evaluateGates, type GateResult } from '../measure/gate.js'
import type { LatencySummary } from '../measure/latency-histogram.js'
import { shortfalls } from '../measure/trust.js'
import { beyondFirstPhase } from './first-phase.js'
import type { BenchPorts, BenchRequest } from './run-bench.js'
import { withLoadKeys } from './with-load-keys.js'

export interface FindMaxOptions {
  /** Each rate is measured this long; the answer twice as long. */
  readonly stepMs: number
  readonly startPerSec: number
  /** The search ends when the rate that failed is nearer than this factor to the one that passed. */
  readonly resolution: number
}

export interface FindMaxStep {
  readonly ratePerSec: number
  readonly passed: boolean
  /** What failed first, in words. */
  readonly reason?: string
  readonly latency: LatencySummary
  readonly achievedShare: number
  readonly isConfirmation: boolean
  /** Generator or servers could not keep up with the rate. */
  readonly isOverload: boolean
}

export interface FindMaxOutcome {
  /** null: not even the lowest rate that was tried passes. */
  readonly ratePerSec: number | null
  readonly steps: readonly FindMaxStep[]
  readonly interrupted: boolean
  /** An agent was lost, and with it its part of every further step: the search ended before its answer. */
  readonly incomplete: boolean
  readonly warnings: readonly string[]
}

/** As users' scripts read it (docs/json.md). */
export interface FindMaxResult extends FindMaxOutcome {
  readonly schema: 'cachectl/find-max/v1'
  readonly gates: readonly string[]
}

const lowestPerSec = 10
const highestPerSec = 5_000_000
const confirmations = 4
const attempts = 2

export function findMax(
  request: BenchRequest,
  ports: BenchPorts,
  options: FindMaxOptions,
): Promise<FindMaxResult> {
  const gates = request.gates.map(({ expression }) => expression)
  return withLoadKeys(request, ports, async () => {
    const steps: FindMaxStep[] = []
    const warnings = new Set(beyondFirstPhase(request.phases))
    let incomplete = false
    const tryRate = async (ratePerSec: number, isConfirmation: boolean) => {
      const durationMs = options.stepMs * (isConfirmation ? 2 : 1)
      for (let attempt = 1; attempt <= attempts; attempt++) {
        const measured = await measureStep(request, ports, { ratePerSec, durationMs, isConfirmation })
        if (!measured) return false
        const { step, agents } = measured
        steps.push(step)
        for (const { text } of agentProblems(agents)) warnings.add(text)
        incomplete = agents.some(({ lost }) => lost !== null)
        if (step.passed || incomplete) return step.passed
      }
      return false
    }
    const ratePerSec = await search(tryRate, options, () => ports.signal.aborted || incomplete)
    return {
      schema: 'cachectl/find-max/v1',
      gates,
      ratePerSec,
      steps,
      interrupted: ports.signal.aborted,
      incomplete,
      warnings: [...warnings],
    }
  })
}

type TryRate = (ratePerSec: number, isConfirmation: boolean) => Promise<boolean>

async function search(
  tryRate: TryRate,
  { startPerSec, resolution }: FindMaxOptions,
  isOver: () => boolean,
): Promise<number | null> {
  let passes = 0
  let fails = Number.POSITIVE_INFINITY
  let rate = startPerSec
  while (!isOver() && rate >= lowestPerSec && rate <= highestPerSec) {
    if (await tryRate(rate, false)) passes = rate
    else fails = rate
    if (fails === Number.POSITIVE_INFINITY) rate = passes * 2
    else if (passes === 0) rate = Math.floor(fails / 4)
    else if (fails / passes <= resolution) break
    else rate = Math.round(Math.sqrt(passes * fails))
  }
  for (let left = confirmations; left > 0 && passes >= lowestPerSec && !isOver(); left--) {
    if (await tryRate(passes, true)) return passes
    passes = Math.floor(passes / resolution)
  }
  return null
}

/** undefined: interrupted. */
async function measureStep(
  request: BenchRequest,
  { load, progress, signal }: BenchPorts,
  wanted: { ratePerSec: number; durationMs: number; isConfirmation: boolean },
): Promise<{ step: FindMaxStep; agents: NonNullable<BenchMeasures['agents']> } | undefined> {
  const { ratePerSec, durationMs, isConfirmation } = wanted
  const segment = { fromPerSec: ratePerSec, toPerSec: ratePerSec, durationMs: 0 }
  const first = request.phases[0]!
  const arrivals = first.rate.kind === 'open' ? first.rate.arrivals : 'uniform'
  const counts = await load.run(
    {
      ...request,
      phases: [{ ...first, durationMs, rate: { kind: 'open', arrivals, segments: [segment] } }],
      requestLimit: 0,
    },
    {
      signal,
      onProgress: ({ label, passedMs }) =>
        progress.update(
          `${ratePerSec.toLocaleString('en')} requests/s: ${label} ${(passedMs / 1000).toFixed(0)} s`,
        ),
    },
  )
  if (signal.aborted) return undefined
  const measures = foldRun(counts)
  const { agents = [] } = measures
  const lack = shortfalls(measures).find(({ failsGates }) => failsGates)
  const failed = evaluateGates(request.gates, { counts, measures }, { allowLag: true }).find(
    ({ passed }) => !passed,
  )
  const reason = lack?.text ?? (failed && describeFailure(failed))
  const step = {
    ratePerSec,
    passed: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
    latency: measures.overall,
    achievedShare: measures.achievedShare ?? 0,
    isConfirmation,
    isOverload: lack !== undefined && agents.every(({ lost }) => lost === null),
  }
  return { step, agents }
}

function describeFailure({ expression, value, unit, reason }: GateResult): string {
  if (value === null) return `${expression}: ${reason ?? 'no such value'}`
  return `${expression}: ${Number(value.toPrecision(4))}${unit === 'ms' ? ' ms' : ''}`
}
