/**
 * Two runs that were made one after the other, second by second. The seconds of one run know nothing of how the machine
 * changed until the next: the interval is too narrow by exactly that, so the comparison calls itself unpaired and says
 * what is better.
 */
import type { Random } from '../random.js'
import type { MeasuredRun } from './bench-measures.js'
import { compareSlices, leastSlices } from './compare-slices.js'
import { type Comparison, type JudgedMetric, judge, verdictOf } from './comparison.js'
import { moreIsBetter, parseMetric, unitOf } from './gate-metric.js'
import { defaultMinimumEffect, type GateScope } from './gate-parse.js'
import { measuredValue } from './gate-value.js'
import { slicesOf } from './slices.js'

export interface RunComparisonOptions {
  /** Of all metrics together; default 0.95. */
  readonly confidence?: number
  /** Of a ratio; default 5 %. */
  readonly minimumEffect?: number
  readonly random: Random
}

export const unpairedCaution =
  'These are two runs, not turns: machines drift, and between two runs of one thing 10 % is common. `cachectl bench ab` measures both in turns and tells drift from change.'

/** `warnings` of the comparability of the two go into it as they are. */
export function compareRuns(
  before: MeasuredRun,
  after: MeasuredRun,
  { confidence = 0.95, minimumEffect = defaultMinimumEffect, random }: RunComparisonOptions,
  warnings: readonly string[] = [],
): Comparison {
  let longestBlock = 1
  let tooShort = 0
  const compared = rowsOf(before, after).flatMap(({ name, scope }): JudgedMetric[] => {
    const metric = parseMetric(name)!
    const unit = unitOf(metric)
    const values = [before, after].map((run) => {
      const measured = measuredValue(run, metric, scope)
      return 'value' in measured ? measured.value : null
    })
    // runs without errors have nothing to compare, and would only raise the other p-values
    if (name === 'error_rate' && values.every((value) => value === 0)) return []
    const slices = [before, after].map((run) => slicesOf(run, metric, scope))
    const found = compareSlices(slices[0]!, slices[1]!, { unit, confidence, random })
    if (found) longestBlock = Math.max(longestBlock, found.blockLength)
    else if (slices.every(({ length }) => length > 0)) tooShort += 1
    const row = {
      metric: `${scopeText(scope)}${name}`,
      unit,
      moreIsBetter: moreIsBetter(metric),
      before: found?.before ?? values[0]!,
      after: found?.after ?? values[1]!,
      change: found?.change ?? null,
    }
    return [row]
  })
  const metrics = judge(compared, { confidence, minimumEffect })
  const judged = metrics.filter(({ change }) => change !== null).length
  return {
    design: 'unpaired',
    method: [
      `Values and changes are of the runs' seconds (latencies: their median, others: their mean), with p-values of Mann and Whitney's test, raised by Holm for ${judged} metrics, and bootstrap intervals (${confidence * 100} %). What was not judged is of the whole runs.`,
      ...(longestBlock > 1
        ? [`Seconds resemble their neighbours here: they were judged in blocks of up to ${longestBlock}.`]
        : []),
      unpairedCaution,
    ],
    minimumEffect,
    confidence,
    metrics,
    warnings: [
      ...warnings,
      ...(tooShort > 0
        ? [
            `${tooShort} metrics could not be judged: both runs need at least ${leastSlices} seconds, or blocks of them`,
          ]
        : []),
    ],
    verdict: verdictOf(metrics),
  }
}

const whole = ['throughput', 'p50', 'p99', 'p99.9', 'mean', 'hit_ratio', 'error_rate']
const ofOperation = ['throughput', 'p50', 'p99', 'p99.9']
const ofNode = ['throughput', 'p99', 'hit_ratio', 'error_rate']

/** What both runs have. Only what the series holds is judged; the rest stands there for people. */
function rowsOf(before: MeasuredRun, after: MeasuredRun): { name: string; scope: GateScope }[] {
  const common = (a: object, b: object) => Object.keys(a).filter((key) => Object.hasOwn(b, key))
  const [a, b] = [before.measures, after.measures]
  const rows: { name: string; scope: GateScope }[] = whole.map((name) => ({ name, scope: {} }))
  for (const operation of common(a.operations, b.operations))
    rows.push(...ofOperation.map((name) => ({ name, scope: { operation } })))
  const nodes = common(a.nodes, b.nodes)
  if (nodes.length > 1)
    for (const node of nodes) rows.push(...ofNode.map((name) => ({ name, scope: { node } })))
  return rows
}

function scopeText({ node, operation }: GateScope): string {
  return `${node === undefined ? '' : `node(${node}).`}${operation === undefined ? '' : `${operation}.`}`
}
