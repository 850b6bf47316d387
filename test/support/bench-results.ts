/** Results made up for screens and reports. */
import { measureRun } from '../../src/measure/bench-measures.js'
import type { BenchResult } from '../../src/measure/bench-result.js'
import { bottleneckOf } from '../../src/measure/bottleneck.js'
import { evaluateGates } from '../../src/measure/gate.js'
import { parseGate } from '../../src/measure/gate-parse.js'
import type { RunCounts } from '../../src/measure/run-counts.js'
import { shortfalls } from '../../src/measure/trust.js'
import { latencies, runCounts, series } from './run-counts.js'

/** A calm phase and a peak that fell short; three nodes, three operations, errors, evictions, a source, verification. */
export function busyRun(): RunCounts {
  const mix = (factor: number, count: number) =>
    latencies([0.08 * factor, count * 0.9], [0.5 * factor, count * 0.09], [40 * factor, count * 0.01])
  return runCounts({
    mode: 'open',
    phases: [
      { name: 'calm', seconds: 30, offered: 300_000 },
      {
        name: 'a peak with a long name',
        seconds: 30,
        offered: 1_500_000,
        unsent: 20_123,
        heldBackSeconds: 2,
      },
    ],
    cells: [0, 1].flatMap((phase) =>
      [0, 1, 2].flatMap((node) =>
        [0, 1, 2].map((op) => ({
          phase,
          node,
          op,
          service: mix(1, 100_000),
          response: mix(phase * 9 + 1, 100_000),
        })),
      ),
    ),
    outcomes: [0, 1].flatMap((phase) =>
      [0, 1, 2].map((node) => ({ phase, node, hits: 99_000, misses: 1_000, errors: phase * node * 7 })),
    ),
    errorKinds: { MOVED: 14, 'bad\u001b[31m': 7 },
    sendLag: latencies([0.002, 9_000], [0.3, 100]),
    verified: { values: 1_234_567, wrong: 0, stale: 3 },
    source: {
      loads: 6_000,
      duplicateLoads: 311,
      maxUnderWay: 64,
      queueing: latencies([1, 10], [30, 1]),
      loading: latencies([5, 10], [40, 1]),
    },
    generator: { threadCpuShares: [0.99], hostNoise: { p999Ms: 1.3, maxMs: 8.9 } },
    series: series({
      answered: [900, 1_000],
      phase: [0, 1],
      p99Ms: [1, 2],
      nodes: {
        n1: { answered: [300, 400], evicted: [0, 0], usedMemoryBytes: [null, 2 ** 20], cpuShare: [0.5, 0.6] },
        n2: { answered: [600, 600], evicted: [0, 1_234], usedMemoryBytes: [null, 2 ** 30] },
      },
    }),
  })
}

export function resultOf(counts: RunCounts, gates: readonly string[] = [], allowLag = true): BenchResult {
  const { measures } = measureRun(counts)
  const run = { counts, measures }
  const { overall, ...rest } = measures
  return {
    schema: 'cachectl/bench/v1',
    topology: 'test',
    seed: 42,
    configuration: { workload: 'zipf:0.99', keys: 1_000_000, connections: 50, pipeline: 1 },
    machine: { platform: 'linux x64', cpu: 'test', cores: 2, memoryBytes: 2 ** 34, node: 'v20.0.0' },
    servers: { n1: 'Redis 7.0.15' },
    serverSettings: {},
    interrupted: false,
    warnings: shortfalls(measures).map(({ text }) => text),
    ...rest,
    latency: overall,
    gates: evaluateGates(gates.map(parseGate), run, { allowLag }),
    bottleneck: bottleneckOf(run, { spins: true }),
  }
}
