/** The hot keys as a table that fits the terminal: what is least needed goes first where there is no room. */
import { isInformative } from '../hotkeys/interval.js'
import type { ReportedKey } from '../hotkeys/reported-key.js'
import { printable } from '../printable.js'
import { columnsOf, cutMiddle } from './fit.js'
import { formatAbout, formatBytes, formatCount, formatPercent } from './format.js'
import { renderTable } from './table.js'

interface HotKeyColumn {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** Columns with the smallest stay longest. */
  readonly rank: number
  cell(key: ReportedKey): string
}

const gap = 2
const narrowestKey = 28
const widestKey = 80

/** From left to right. */
const columns: readonly HotKeyColumn[] = [
  { title: '#', align: 'right', rank: 0, cell: rankOf },
  { title: 'node', rank: 3, cell: nodesOf },
  { title: 'of node', align: 'right', rank: 1, cell: ({ nodes: [first] }) => (first ? share(first) : '') },
  { title: 'of CPU', align: 'right', rank: 5, cell: cpuOf },
  { title: 'of ring', align: 'right', rank: 9, cell: ringShare },
  { title: 'ops/s', align: 'right', rank: 2, cell: opsOf },
  { title: 'mix', rank: 6, cell: ({ commands }) => mix(commands, 2) },
  { title: 'trend', rank: 4, cell: ({ change }) => (change && change !== 'steady' ? change : '') },
  { title: 'TTL', align: 'right', rank: 7, cell: ({ ttlMs }) => ttlOf(ttlMs) },
  {
    title: 'type',
    rank: 10,
    cell: ({ exists, type = '' }) => (exists === false ? 'missing' : printable(type, 12)),
  },
  { title: 'size', align: 'right', rank: 8, cell: ({ sizeBytes }) => bytes(sizeBytes) },
  { title: 'in/s', align: 'right', rank: 12, cell: ({ inBytesPerSec }) => bytes(inBytesPerSec) },
  { title: 'out/s', align: 'right', rank: 11, cell: ({ outBytesPerSec }) => bytes(outBytesPerSec) },
  { title: 'top client', rank: 13, cell: clientOf },
]

/** One that may be hot is shown where its share is told. */
export function isShown({ certainty, nodes: [first] }: ReportedKey): boolean {
  return (
    certainty === 'certain' ||
    !first ||
    isInformative({ value: first.share, low: first.shareLow, high: first.shareHigh })
  )
}

export function renderHotKeysTable(keys: readonly ReportedKey[], width: number): string {
  const cells = new Map(columns.map((column) => [column, keys.map((key) => column.cell(key))]))
  const widthOf = (column: HotKeyColumn) =>
    Math.max(columnsOf(column.title), ...cells.get(column)!.map(columnsOf)) + gap
  // a column in which nothing stands says nothing
  const useful = columns.filter((column) => cells.get(column)!.some((cell) => cell !== ''))
  const longestKey = Math.min(widestKey, Math.max(3, ...keys.map(({ key }) => columnsOf(key))))
  let room = width - Math.min(narrowestKey, longestKey)
  const chosen = new Set<HotKeyColumn>()
  for (const column of [...useful].sort((a, b) => a.rank - b.rank)) {
    if (widthOf(column) > room) continue
    chosen.add(column)
    room -= widthOf(column)
  }
  const keyWidth = Math.min(longestKey, room + Math.min(narrowestKey, longestKey))
  const [first, ...rest] = useful.filter((column) => chosen.has(column))
  if (!first) return ''
  return renderTable(
    [first, { title: 'key' }, ...rest],
    keys.map(({ key }, row) => [
      cells.get(first)![row]!,
      cutMiddle(key, keyWidth),
      ...rest.map((column) => cells.get(column)![row]!),
    ]),
  )
}

/** `=4` has others beside it, `4?` may not be hot. */
function rankOf({ rank, tie, certainty }: ReportedKey): string {
  return `${tie === undefined ? '' : '='}${rank}${certainty === 'possible' ? '?' : ''}`
}

function nodesOf({ nodes }: ReportedKey): string {
  const [first, ...others] = nodes
  if (!first) return ''
  return `${printable(first.node, 16)}${others.length > 0 ? ` +${others.length}` : ''}`
}

function share({ share: value, shareLow, shareHigh }: ReportedKey['nodes'][number]): string {
  return plusMinus(value, shareLow, shareHigh)
}

function ringShare({ ringShare: value, ringShareLow, ringShareHigh }: ReportedKey): string {
  return plusMinus(value, ringShareLow, ringShareHigh)
}

function plusMinus(value: number, low: number, high: number): string {
  const digits = value >= 0.1 ? 1 : 2
  return `${(value * 100).toFixed(digits)} ±${(((high - low) / 2) * 100).toFixed(digits)} %`
}

/** Where it is asked most. */
function cpuOf({ nodes: [first] }: ReportedKey): string {
  return first?.cpuShare === undefined ? '' : formatPercent(first.cpuShare)
}

function opsOf({ opsPerSec, opsPerSecLow, opsPerSecHigh }: ReportedKey): string {
  return `${formatCount(opsPerSec)} ±${formatCount((opsPerSecHigh - opsPerSecLow) / 2)}`
}

function mix(commands: Readonly<Record<string, number>>, count: number): string {
  return Object.entries(commands)
    .slice(0, count)
    .map(([command, part]) => `${printable(command.toUpperCase(), 12)} ${Math.round(part * 100)}`)
    .join(' ')
}

function ttlOf(ttlMs: number | null | undefined): string {
  if (ttlMs === undefined) return ''
  return ttlMs === null ? 'none' : formatAbout(ttlMs / 1000)
}

function bytes(count: number | undefined): string {
  return count === undefined || count <= 0 ? '' : formatBytes(Math.round(count))
}

function clientOf({ clients: [first] }: ReportedKey): string {
  return first ? `${printable(first.client, 21)} ${Math.round(first.share * 100)} %` : ''
}
