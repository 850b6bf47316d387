/**
 * Two loads that take turns of some tens of milliseconds, A B B A: what a shared machine does in a tenth of a second hits
 * both. Each has threads and sockets of its own, which stay; one rests, with nothing under way, while the other sends.
 */
import type { Clock } from '../../clock.js'
import type { RunCounts } from '../../measure/run-counts.js'
import { blankSeries } from '../../measure/series.js'
import type { LoadRequest, NodeAccess, TurnsPort } from '../../operations/ports.js'
import { type LoadMemory, phaseCode } from './memory.js'
import { mergeThreads } from './merge.js'
import { startThreads, type Thread } from './run.js'

export interface TurnsSide {
  readonly accesses: readonly NodeAccess[]
  readonly request: LoadRequest
}

const measured = 1

export function createTurns(
  accesses: { readonly a: readonly NodeAccess[]; readonly b: readonly NodeAccess[] },
  clock: Clock,
): TurnsPort {
  return {
    async *run(requests, { turnMs, pairs, signal }) {
      const a = new Side({ accesses: accesses.a, request: requests.a }, clock)
      const b = new Side({ accesses: accesses.b, request: requests.b }, clock)
      try {
        await Promise.all([a.ready(), b.ready()])
        for (const [index, turns] of pairs.entries()) {
          const order = orderOf(turns, index % 2 === 0 ? [a, b] : [b, a])
          for (const side of order) {
            if (!(await side.turn(turnMs, signal))) return
          }
          yield { a: a.takeCounts(), b: b.takeCounts() }
        }
      } finally {
        await Promise.all([a.end(), b.end()])
      }
    },
  }
}

/** A B B A A B B A …: `turns` of each. */
function orderOf(turns: number, [first, second]: readonly [Side, Side]): Side[] {
  return Array.from({ length: 2 * turns }, (_, at) => (at % 4 === 0 || at % 4 === 3 ? first : second))
}

class Side {
  private readonly threads: readonly Thread[]
  /** Of each thread, since its counts were taken. */
  private readonly seconds: number[]

  constructor(
    private readonly side: TurnsSide,
    private readonly clock: Clock,
  ) {
    this.threads = startThreads({ ...side, clock }).members
    this.seconds = this.threads.map(() => 0)
  }

  async ready(): Promise<void> {
    await Promise.all(this.threads.map(({ ready }) => ready))
  }

  /** false: an abort, or it has nothing more to send. */
  async turn(ms: number, signal: AbortSignal): Promise<boolean> {
    this.setPhase(measured)
    await this.clock.sleep(ms, signal).catch((error) => {
      if (!signal.aborted) throw error
    })
    if (signal.aborted) return false
    const rested = Promise.all(this.threads.map((thread) => thread.rested()))
    this.setPhase(phaseCode.wait)
    const seconds = await rested
    for (const [index, each] of seconds.entries()) this.seconds[index]! += each ?? 0
    return seconds.every((each) => each !== undefined)
  }

  /** What its turns have counted, which starts again from nothing. */
  takeCounts(): RunCounts {
    const { side, threads } = this
    const reports = this.seconds.map((seconds) => ({
      phaseSeconds: [0, seconds],
      errorKinds: {},
      cpuShare: undefined,
      hostNoise: { p999Ms: 0, maxMs: 0 },
    }))
    const counts = {
      ...mergeThreads(side, threads, reports),
      warmup: { seconds: 0, answered: 0 },
      series: blankSeries(),
    }
    this.seconds.fill(0)
    for (const { memory } of threads) clear(memory)
    return counts
  }

  async end(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.end()))
  }

  private setPhase(phase: number): void {
    for (const thread of this.threads) thread.setPhase(phase)
  }
}

/** Of a thread that rests: nobody else writes. */
function clear({
  latencies,
  outcomes,
  schedule,
  sendLag,
  verified,
  source,
  sourceLatencies,
}: LoadMemory): void {
  for (const counts of [latencies, outcomes, schedule, sendLag, verified, source, sourceLatencies])
    counts.fill(0)
}
