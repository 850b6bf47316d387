/** Runs beside a stored one: read, refused where they asked another question, compared. */
import * as Flags from '@oclif/core/flags'
import { configurationOf } from './bench-configuration.js'
import type { BenchJob } from './bench-job.js'
import { invalid } from './errors.js'
import { readBenchResult } from './files/bench-result-file.js'
import { measureRun } from './measure/bench-measures.js'
import type { BenchResult, RecordedRun } from './measure/bench-result.js'
import { circumstances, describe, incomparable, type RunShape, shapeOf } from './measure/comparable.js'
import { compareRuns } from './measure/compare-runs.js'
import type { Comparison } from './measure/comparison.js'
import { evaluateGates, type GateResult } from './measure/gate.js'
import { type Gate, needsBaseline } from './measure/gate-parse.js'
import type { RunCounts } from './measure/run-counts.js'
import { printable } from './printable.js'
import { createRandom } from './random.js'

export const baselineFlags = {
  baseline: Flags.string({
    helpValue: 'FILE',
    summary: 'Compare with a stored result (--out), for people and for gates on the baseline.',
  }),
  force: Flags.boolean({ summary: 'Compare although the baseline was made otherwise.' }),
}

export interface BaselineFlags {
  readonly baseline?: string | undefined
  readonly force: boolean
}

/** One seed for all: the same two runs have the same intervals every time. */
const bootstrapSeed = 1

/** Before the run: what it can't be compared with is refused now, not after it. Errors: `invalid`. */
export async function openBaseline(flags: BaselineFlags, job: BenchJob): Promise<RecordedRun | undefined> {
  const needing = job.gates.find(needsBaseline)
  if (flags.baseline === undefined) {
    if (needing === undefined) return undefined
    throw invalid(`gate ${printable(needing.expression)} needs --baseline FILE`)
  }
  const baseline = await readBenchResult(flags.baseline)
  const isOpen = job.phases.some(({ rate }) => rate.kind !== 'max')
  refuseIncomparable(
    baseline.name,
    shapeOf(baseline),
    {
      mode: isOpen ? 'open' : 'closed',
      nodeCount: Math.max(1, job.topology.nodes.length),
      configuration: configurationOf(job),
    },
    flags.force,
  )
  return baseline
}

/** A result with what it says beside its baseline. */
export function withComparison(
  result: BenchResult,
  counts: RunCounts,
  baseline: RecordedRun | undefined,
): BenchResult {
  if (!baseline) return result
  const run = { ...result, ...measureRun(counts), name: 'this run' }
  return { ...result, comparison: compareRecorded(baseline, run) }
}

export function compareRecorded(before: RecordedRun, after: RecordedRun): Comparison {
  return compareRuns(before, after, { random: createRandom(bootstrapSeed) }, circumstances(before, after))
}

/** Errors: `invalid`, naming every field. */
export function refuseIncomparable(name: string, before: RunShape, after: RunShape, force: boolean): void {
  const differences = incomparable(before, after)
  if (differences.length === 0 || force) return
  const lines = differences.map((difference) => `  ${printable(describe(difference))}`)
  throw invalid(
    `${name} asked another question:\n${lines.join('\n')}`,
    'Make both runs alike; --force compares all the same.',
  )
}

export interface CompareResult {
  readonly schema: 'cachectl/compare/v1'
  /** File names. */
  readonly before: string
  readonly after: string
  readonly comparison: Comparison
  readonly gates: readonly GateResult[]
}

export interface CompareOptions {
  readonly gates: readonly Gate[]
  readonly force: boolean
  readonly allowLag: boolean
}

/** The first is the baseline of the second. Errors: `invalid`, naming the file, or the fields in which they differ. */
export async function compareFiles(
  paths: { readonly before: string; readonly after: string },
  { gates, force, allowLag }: CompareOptions,
): Promise<CompareResult> {
  const before = await readBenchResult(paths.before)
  const after = await readBenchResult(paths.after)
  refuseIncomparable(before.name, shapeOf(before), shapeOf(after), force)
  return {
    schema: 'cachectl/compare/v1',
    before: before.name,
    after: after.name,
    comparison: compareRecorded(before, after),
    gates: evaluateGates(gates, after, { baseline: before, allowLag }),
  }
}
