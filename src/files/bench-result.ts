/** A run's result, from what the operation found and the machine it ran on. */
import { arch, cpus, platform, totalmem } from 'node:os'
import type { BenchMeasures } from '../measure/bench-measures.js'
import { type BenchResult, benchSchema, type Machine, type RunIdentity } from '../measure/bench-result.js'

/** What the operation found, beside the measures. */
export type RunFindings = Pick<BenchResult, 'gates' | 'bottleneck'> &
  Pick<RunIdentity, 'servers' | 'serverSettings' | 'interrupted' | 'warnings'>

export function toBenchResult(
  { topology, seed, configuration }: Pick<RunIdentity, 'topology' | 'seed' | 'configuration'>,
  outcome: BenchMeasures & RunFindings,
): BenchResult {
  const { overall, ...measures } = outcome
  return {
    schema: benchSchema,
    topology,
    ...measures,
    latency: overall,
    seed,
    configuration,
    machine: thisMachine(),
  }
}

export function thisMachine(): Machine {
  return {
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
  }
}
