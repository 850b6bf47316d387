/**
 * The course of a run that several generators made together. Counts are added; quantiles are not: they are taken from the
 * second's histograms, which the generators hand over for that.
 *
 * Generators look at their counts once a second from the start of each phase, a little early or late. An entry belongs to
 * the second that its middle lies in; a generator that could not look for two seconds has nothing in one of them.
 */
import { histogramLength, mergeCounts, quantileUnits, slotEnd, unitsPerMs } from './latency-histogram.js'
import { totalOf } from './run-part.js'
import { blankNodeSeries, blankSeries, type Series, type SeriesColumns } from './series.js'
import { addSparse } from './sparse-counts.js'

/** Of one entry of a series: the main latency of each operation and of each node, as `toSparse` writes it. */
export interface SecondHistograms {
  readonly operations: readonly Uint8Array[]
  readonly nodes: readonly Uint8Array[]
}

export interface RecordedSeries {
  readonly series: Series
  /** One for each entry. */
  readonly histograms: readonly SecondHistograms[]
}

/** A second of all generators together; histograms hold counts a slot. */
export interface MergedSecond {
  readonly startSec: number
  readonly seconds: number
  readonly histograms: readonly Float64Array[]
  readonly nodeHistograms: readonly Float64Array[]
}

export interface MergeOptions {
  readonly nodeIds: readonly string[]
  readonly operations: number
  onSecond?(second: MergedSecond): void
}

/** An entry of one generator. */
interface Entry {
  readonly generator: number
  readonly row: number
}

export function mergeSeries(generators: readonly RecordedSeries[], options: MergeOptions): Series {
  const columns = blankSeries()
  for (const id of options.nodeIds) columns.nodes[id] = blankNodeSeries()
  const watchers = options.nodeIds.map((id) => watcherOf(generators, id))
  for (const { phase, entries } of secondsOf(generators)) {
    const startSec = columns.atSec.at(-1) ?? 0
    const ends = entries.map(({ generator, row }) => generators[generator]!.series.atSec[row]!)
    const endSec = Math.max(startSec, ...ends)
    columns.atSec.push(endSec)
    columns.phase.push(phase)
    for (const column of ['offered', 'answered', 'hits', 'misses', 'errors'] as const)
      columns[column].push(sumOf(entries, ({ generator, row }) => generators[generator]!.series[column][row]))
    const second = histogramsOf(generators, entries, options)
    addLatencies(columns, second.histograms)
    options.nodeIds.forEach((id, node) => {
      addNode(
        columns,
        { id, watcher: watchers[node]!, latency: second.nodeHistograms[node]! },
        generators,
        entries,
      )
    })
    options.onSecond?.({ startSec, seconds: endSec - startSec, ...second })
  }
  return columns
}

/** Entries by phase and second, in order. */
function secondsOf(generators: readonly RecordedSeries[]): { phase: number; entries: Entry[] }[] {
  const seconds = new Map<string, { phase: number; second: number; entries: Entry[] }>()
  generators.forEach(({ series: { atSec, phase: phases } }, generator) => {
    let startSec = 0
    let phaseStartSec = 0
    atSec.forEach((endSec, row) => {
      const phase = phases[row]!
      if (row > 0 && phase !== phases[row - 1]) phaseStartSec = startSec
      const second = Math.max(0, Math.floor((startSec + endSec) / 2 - phaseStartSec))
      const name = `${phase} ${second}`
      const found = seconds.get(name) ?? { phase, second, entries: [] }
      found.entries.push({ generator, row })
      seconds.set(name, found)
      startSec = endSec
    })
  })
  return [...seconds.values()].sort((a, b) => a.phase - b.phase || a.second - b.second)
}

function histogramsOf(
  generators: readonly RecordedSeries[],
  entries: readonly Entry[],
  { nodeIds, operations }: MergeOptions,
) {
  const merged = (index: number, of: 'operations' | 'nodes') => {
    const counts = new Float64Array(histogramLength)
    for (const { generator, row } of entries) {
      const bytes = generators[generator]!.histograms[row]?.[of][index]
      if (bytes) addSparse(bytes, counts)
    }
    return counts
  }
  return {
    histograms: Array.from({ length: operations }, (_, op) => merged(op, 'operations')),
    nodeHistograms: nodeIds.map((_, node) => merged(node, 'nodes')),
  }
}

function addLatencies(columns: SeriesColumns, histograms: readonly Float64Array[]): void {
  const all = new Float64Array(histogramLength)
  for (const counts of histograms) mergeCounts(all, counts)
  columns.p50Ms.push(quantileMs(all, 0.5))
  columns.p99Ms.push(quantileMs(all, 0.99))
  columns.p999Ms.push(quantileMs(all, 0.999))
  const last = all.findLastIndex((count) => count > 0)
  columns.maxMs.push(last < 0 ? 0 : slotEnd(last) / unitsPerMs)
}

function addNode(
  columns: SeriesColumns,
  node: { id: string; watcher: number; latency: Float64Array },
  generators: readonly RecordedSeries[],
  entries: readonly Entry[],
): void {
  const column = columns.nodes[node.id]!
  for (const name of ['answered', 'hits', 'misses', 'errors'] as const) {
    const countOf = ({ generator, row }: Entry) => generators[generator]!.series.nodes[node.id]?.[name][row]
    column[name].push(sumOf(entries, countOf))
  }
  column.p99Ms.push(quantileMs(node.latency, 0.99))
  const said = entries.filter(({ generator }) => generator === node.watcher).map(({ row }) => row)
  const watched = generators[node.watcher]?.series.nodes[node.id]
  const known = (name: 'usedMemoryBytes' | 'evicted' | 'cpuShare') =>
    said.map((row) => watched?.[name][row] ?? null).filter((value) => value !== null)
  const evicted = known('evicted')
  column.usedMemoryBytes.push(known('usedMemoryBytes').at(-1) ?? null)
  column.evicted.push(evicted.length === 0 ? null : evicted.reduce((sum, count) => sum + count, 0))
  column.cpuShare.push(known('cpuShare').at(-1) ?? null)
}

/** What a node says of itself is said to each that asks: it is taken from the first that heard it, not added. */
function watcherOf(generators: readonly RecordedSeries[], id: string): number {
  return generators.findIndex(({ series }) =>
    series.nodes[id]?.usedMemoryBytes.some((bytes) => bytes !== null),
  )
}

function quantileMs(counts: Float64Array, quantile: number): number {
  const total = totalOf(counts)
  return total === 0 ? 0 : quantileUnits(counts, total, quantile) / unitsPerMs
}

function sumOf(entries: readonly Entry[], pick: (entry: Entry) => number | undefined): number {
  return entries.reduce((sum, entry) => sum + (pick(entry) ?? 0), 0)
}
