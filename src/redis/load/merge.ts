/** What the threads of a run counted, as one: by addition, never by averaging. */
import { histogramLength, mergeCounts } from '../../measure/latency-histogram.js'
import type { LatencyCell, OutcomeCell, PhaseCounts, RunCounts } from '../../measure/run-counts.js'
import type { LoadRequest, NodeAccess } from '../../operations/ports.js'
import { cellIndex, cellStart, type LoadMemory, outcome, schedule, source, verified } from './memory.js'
import type { LoadReport } from './protocol.js'

interface Merged {
  readonly accesses: readonly NodeAccess[]
  readonly request: LoadRequest
}

type Threads = readonly { readonly memory: LoadMemory }[]

export function mergeThreads(
  { accesses, request }: Merged,
  threads: Threads,
  reports: readonly LoadReport[],
): Omit<RunCounts, 'series' | 'warmup'> {
  const { open } = threads[0]!.memory.shape
  const sum = (pick: (memory: LoadMemory) => number) =>
    threads.reduce((total, { memory }) => total + pick(memory), 0)
  const add = (pick: (memory: LoadMemory) => ArrayLike<number>) => {
    const merged = new Float64Array(histogramLength)
    for (const { memory } of threads) mergeCounts(merged, pick(memory))
    return merged
  }
  return {
    mode: open ? 'open' : 'closed',
    nodeIds: accesses.map(({ node }) => node.id),
    operationNames: request.operations.map(({ name }) => name),
    phases: request.phases.map(({ name }, index) => phaseCounts(name, index + 1, threads, reports)),
    ...cells(threads),
    errorKinds: addKinds(reports),
    ...(open ? { sendLag: add(({ sendLag }) => sendLag) } : {}),
    ...(request.verify
      ? {
          verified: {
            values: sum((memory) => memory.verified[verified.values]!),
            wrong: sum((memory) => memory.verified[verified.wrong]!),
            stale: sum((memory) => memory.verified[verified.stale]!),
          },
        }
      : {}),
    ...(request.sourceOfTruth
      ? {
          source: {
            loads: sum((memory) => memory.source[source.loads]!),
            duplicateLoads: sum((memory) => memory.source[source.duplicates]!),
            maxUnderWay: sum((memory) => memory.source[source.mostUnderWay]!),
            queueing: add(({ sourceLatencies }) => sourceLatencies.subarray(0, histogramLength)),
            loading: add(({ sourceLatencies }) => sourceLatencies.subarray(histogramLength)),
          },
        }
      : {}),
    generator: {
      threadCpuShares: reports.flatMap(({ cpuShare }) => (cpuShare === undefined ? [] : [cpuShare])),
      hostNoise: reports[0]!.hostNoise,
    },
  }
}

/** Requests of the warm-up that were answered; no other figure of it is kept. */
export function warmupAnswers(threads: Threads): number {
  let answered = 0
  for (const { memory } of threads) {
    const { nodes, ops, open } = memory.shape
    for (let cell = 0; cell < nodes * ops; cell++) {
      const start = cell * (open ? 2 : 1) * histogramLength
      for (let slot = start; slot < start + histogramLength; slot++) answered += memory.latencies[slot]!
    }
  }
  return answered
}

function phaseCounts(
  name: string,
  phase: number,
  threads: Threads,
  reports: readonly LoadReport[],
): PhaseCounts {
  const of = (what: number) => threads.map(({ memory }) => memory.schedule[phase * schedule.count + what]!)
  const total = (what: number) => of(what).reduce((sum, value) => sum + value, 0)
  return {
    name,
    seconds: Math.max(...reports.map(({ phaseSeconds }) => phaseSeconds[phase]!)),
    offered: total(schedule.offered),
    unsent: total(schedule.unsent),
    unanswered: total(schedule.unanswered),
    late: total(schedule.late),
    heldBackSeconds: Math.max(...of(schedule.heldBackMs)) / 1000,
  }
}

/** Measured phases only; cells with anything in them. */
function cells(threads: Threads): { cells: LatencyCell[]; outcomes: OutcomeCell[] } {
  const { shape } = threads[0]!.memory
  const latencies: LatencyCell[] = []
  const outcomes: OutcomeCell[] = []
  for (let phase = 1; phase < shape.phases; phase++) {
    for (let node = 0; node < shape.nodes; node++) {
      for (let op = 0; op < shape.ops; op++) {
        const place = { phase: phase - 1, node, op }
        const start = cellStart(shape, phase, node, op)
        const histogram = (offset: number) => {
          const merged = new Float64Array(histogramLength)
          for (const { memory } of threads)
            mergeCounts(merged, memory.latencies.subarray(start + offset, start + offset + histogramLength))
          return merged
        }
        const service = histogram(0)
        const response = shape.open ? histogram(histogramLength) : undefined
        if ((response ?? service).some((count) => count > 0))
          latencies.push({ ...place, service, ...(response ? { response } : {}) })
        const at = cellIndex(shape, phase, node, op) * outcome.count
        const of = (what: number) => threads.reduce((sum, { memory }) => sum + memory.outcomes[at + what]!, 0)
        outcomes.push({
          ...place,
          hits: of(outcome.hits),
          misses: of(outcome.misses),
          errors: of(outcome.errors),
        })
      }
    }
  }
  return { cells: latencies, outcomes }
}

function addKinds(reports: readonly LoadReport[]): Record<string, number> {
  const kinds: Record<string, number> = {}
  for (const { errorKinds } of reports) {
    for (const [kind, count] of Object.entries(errorKinds)) kinds[kind] = (kinds[kind] ?? 0) + count
  }
  return kinds
}
