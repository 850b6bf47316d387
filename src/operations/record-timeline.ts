/** Requests of several nodes in one order of time, by clocks that were compared at the start. */
import type { RecordedRow, TraceSink } from './ports.js'

/** How long a node's lines may be under way before later ones of another are written. */
const holdBackMicros = 250_000

export interface TimelineCounts {
  readonly requestCount: number
  readonly operationCounts: Readonly<Record<string, number>>
  /** Keys that a line of text cannot hold. */
  readonly unwritableCount: number
  /** Requests that came when later ones had been written: they carry the time of those. */
  readonly lateCount: number
}

export interface Timeline {
  readonly counts: TimelineCounts
  /** Waiting to be written. */
  readonly waitingCount: number
  add(row: RecordedRow): void
  /** Writes what no node can come before any more; everything where `nowMicros` is infinite. */
  write(nowMicros: number): Promise<void>
}

/** `limit`: no more requests than this are written; 0: no limit. */
export function createTimeline(sink: TraceSink, limit: number): Timeline {
  let waiting: RecordedRow[] = []
  let lastMicros = 0
  const operationCounts: Record<string, number> = {}
  const counts = { requestCount: 0, operationCounts, unwritableCount: 0, lateCount: 0 }
  return {
    counts,
    get waitingCount() {
      return waiting.length
    },
    add(row) {
      if (sink.accepts(row.key)) waiting.push(row)
      else counts.unwritableCount += 1
    },
    async write(nowMicros) {
      const horizon = nowMicros - holdBackMicros
      const due = waiting.filter((row) => row.atMicros <= horizon)
      waiting = waiting.filter((row) => row.atMicros > horizon)
      due.sort((a, b) => a.atMicros - b.atMicros)
      const rows = (limit > 0 ? due.slice(0, limit - counts.requestCount) : due).map((row) => {
        if (row.atMicros >= lastMicros) {
          lastMicros = row.atMicros
          return row
        }
        counts.lateCount += 1
        return { ...row, atMicros: lastMicros }
      })
      if (rows.length === 0) return
      await sink.write(rows)
      counts.requestCount += rows.length
      for (const { op } of rows) operationCounts[op] = (operationCounts[op] ?? 0) + 1
    },
  }
}
