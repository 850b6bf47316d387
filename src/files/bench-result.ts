/** A run's result, from what the operation found and the machine it ran on. */
import { arch, cpus, platform, totalmem } from 'node:os'
import type { BenchMeasures } from '../measure/bench-measures.js'
import {
  type BenchResult,
  benchSchema,
  type Machine,
  type RunIdentity,
  type ServerSettings,
} from '../measure/bench-result.js'
import type { ServerFacts } from '../operations/ports.js'

/** What the operation found, beside the measures. */
export interface RunFindings
  extends Pick<BenchResult, 'gates' | 'bottleneck'>,
    Pick<RunIdentity, 'interrupted' | 'warnings'> {
  readonly servers: Readonly<Record<string, ServerFacts>>
}

export function toBenchResult(
  { topology, seed, configuration }: Pick<RunIdentity, 'topology' | 'seed' | 'configuration'>,
  outcome: BenchMeasures & RunFindings,
): BenchResult {
  const { overall, servers, ...rest } = outcome
  const facts = Object.entries(servers)
  return {
    schema: benchSchema,
    topology,
    ...rest,
    latency: overall,
    seed,
    configuration,
    servers: Object.fromEntries(facts.map(([id, { version }]) => [id, version])),
    serverSettings: Object.fromEntries(facts.map(([id, server]) => [id, settingsOf(server)])),
    machine: thisMachine(),
  }
}

function settingsOf(facts: ServerFacts): ServerSettings {
  const { version, maxmemoryBytes, evictionPolicy, ioThreads, appendOnly } = facts
  return { version, maxmemoryBytes, evictionPolicy, ioThreads, appendOnly }
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
