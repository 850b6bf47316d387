/**
 * A run over time as CSV (RFC 4180), tidy: one row a second for the whole (`node` is empty) and one for each node, so that
 * a spreadsheet or a data frame takes it as it is. What a node's rows do not have is empty.
 */
import type { RunCounts } from '../measure/run-counts.js'
import type { NodeSeries, Series } from '../measure/series.js'

const columns = [
  'at_sec',
  'phase',
  'node',
  'offered',
  'answered',
  'hits',
  'misses',
  'errors',
  'p50_ms',
  'p99_ms',
  'p99.9_ms',
  'max_ms',
  'used_memory_bytes',
  'evicted',
  'cpu_share',
]

export function toCsv({ series, phases }: RunCounts): string {
  const rows = series.atSec.flatMap((atSec, index) => {
    const phase = phases[series.phase[index]!]?.name ?? ''
    return [
      [atSec, phase, '', ...ofRun(series, index)],
      ...Object.entries(series.nodes).map(([id, node]) => [atSec, phase, id, ...ofNode(node, index)]),
    ]
  })
  return [columns, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

type Cell = string | number | null

function ofRun({ offered, answered, hits, misses, errors, ...times }: Series, index: number): Cell[] {
  const { p50Ms, p99Ms, p999Ms, maxMs } = times
  const columns = [offered, answered, hits, misses, errors, p50Ms, p99Ms, p999Ms, maxMs]
  return [...columns.map((column) => column[index]!), null, null, null]
}

function ofNode(node: NodeSeries, index: number): Cell[] {
  const { answered, hits, misses, errors, p99Ms, usedMemoryBytes, evicted, cpuShare } = node
  const before = [answered, hits, misses, errors].map((column) => column[index]!)
  const after = [usedMemoryBytes, evicted, cpuShare].map((column) => column[index]!)
  return [null, ...before, null, p99Ms[index]!, null, null, ...after]
}

/**
 * Names come from files: a spreadsheet would run one that starts like a formula, so it gets an apostrophe before it
 * (https://owasp.org/www-community/attacks/CSV_Injection).
 */
function cell(value: Cell): string {
  if (typeof value !== 'string') return value === null ? '' : String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
