/** Conditions on a result that decide the exit code: each with its value, its limit and, where it fails oddly, why. */

import { createRandom } from '../random.js'
import type { MeasuredRun } from './bench-measures.js'
import { compareSlices, leastSlices } from './compare-slices.js'
import { decide, describeChange, minimumShareEffect } from './comparison.js'
import { type MetricUnit, moreIsBetter, unitOf } from './gate-metric.js'
import type { Comparison, Gate } from './gate-parse.js'
import { measuredValue } from './gate-value.js'
import { slicesOf } from './slices.js'
import { shortfalls } from './trust.js'

const gateConfidence = 0.95

export interface GateResult {
  readonly expression: string
  /** In `unit`; null where the run has no such value. */
  readonly value: number | null
  /** What the value was held against; null where there is none. */
  readonly limit: number | null
  readonly unit: MetricUnit
  readonly passed: boolean
  /** Why it failed or passed, where value and limit do not say it. */
  readonly reason?: string
}

export interface GateContext {
  /** Gates on a baseline without one fail; commands refuse them before the run. */
  readonly baseline?: MeasuredRun
  /** Judge the gates of a run that fell short of its schedule all the same. */
  readonly allowLag: boolean
}

const comparisons: Readonly<Record<Comparison, (a: number, b: number) => boolean>> = {
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
  '==': (a, b) => a === b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
}

/** A run that fell short of what it was asked to do fails all of them, unless that is allowed. */
export function evaluateGates(gates: readonly Gate[], run: MeasuredRun, context: GateContext): GateResult[] {
  const shortfall = context.allowLag
    ? undefined
    : shortfalls(run.measures).find(({ failsGates }) => failsGates)
  return gates.map((gate) => {
    const result = evaluateGate(gate, run, context)
    return shortfall ? { ...result, passed: false, reason: `not to be trusted: ${shortfall.text}` } : result
  })
}

function evaluateGate(gate: Gate, run: MeasuredRun, { baseline }: GateContext): GateResult {
  const { expression, metric, scope, condition } = gate
  const unknown = { expression, value: null, limit: null, unit: unitOf(metric), passed: false }
  const measured = measuredValue(run, metric, scope)
  if ('missing' in measured) return { ...unknown, reason: measured.missing }
  const { value } = measured
  if (condition.kind === 'absolute') {
    const { limit, comparison } = condition
    return { ...unknown, value, limit, passed: comparisons[comparison](value, limit) }
  }
  if (!baseline) return { ...unknown, value, reason: 'there is no baseline' }
  const before = measuredValue(baseline, metric, scope)
  if ('missing' in before) return { ...unknown, value, reason: `baseline: ${before.missing}` }
  switch (condition.kind) {
    case 'relative': {
      const limit = before.value * condition.factor + condition.offset
      return { ...unknown, value, limit, passed: comparisons[condition.comparison](value, limit) }
    }
    case 'not-worse':
      return {
        ...unknown,
        value,
        ...judgeNotWorse(gate, run, baseline, before.value, condition.minimumEffect),
      }
    default:
      return condition satisfies never
  }
}

/** One seed for all: the same two runs have the same verdict every time. */
const bootstrapSeed = 1

function judgeNotWorse(
  { metric, scope }: Gate,
  run: MeasuredRun,
  baseline: MeasuredRun,
  before: number,
  minimumEffect: number,
): Pick<GateResult, 'limit' | 'passed' | 'reason'> {
  const [unit, isBetter] = [unitOf(metric), moreIsBetter(metric)]
  const found = compareSlices(slicesOf(baseline, metric, scope), slicesOf(run, metric, scope), {
    unit,
    confidence: gateConfidence,
    random: createRandom(bootstrapSeed),
  })
  const worse = isBetter ? -1 : 1
  const limit = unit === 'share' ? before + worse * minimumShareEffect : before * (1 + minimumEffect) ** worse
  if (!found) {
    const reason = `both runs need at least ${leastSlices} whole seconds, or blocks of seconds, that have a value`
    return { limit, passed: false, reason }
  }
  const { change } = found
  const criteria = { moreIsBetter: isBetter, confidence: gateConfidence, minimumEffect }
  const decision = decide(change, change.rawPValue, criteria)
  if (decision !== 'worse') return { limit, passed: true, reason: `${decision}: ${describeChange(change)}` }
  return { limit, passed: false, reason: `significantly worse: ${describeChange(change)}` }
}
