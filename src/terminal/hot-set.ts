/** The published hot set, split keys and their copies, for people and scripts. */
import type { PublishedChange } from '../operations/hotkeys/keep-published.js'
import type { ShownHotSet } from '../operations/hotkeys/show-hot-set.js'
import type { SplitResult } from '../operations/hotkeys/split-key.js'
import type { UnsplitResult } from '../operations/hotkeys/unsplit-key.js'
import { printable } from '../printable.js'
import { columnsOf, cutMiddle } from './fit.js'
import { formatAbout, formatBytes, formatCount, formatMs, formatPercent, wrapText } from './format.js'
import type { ScreenWidth } from './hotkeys.js'
import { renderTable } from './table.js'

interface ShownKey {
  /** Safe to print; not always the key itself. */
  readonly key: string
  readonly keyBase64: string
}

export interface HotSetReport {
  readonly schema: 'cachectl/hot-set/v1'
  readonly topology: string
  readonly control: string
  /** 0: nothing was ever published. */
  readonly generation: number
  readonly by: string | null
  readonly published: string | null
  readonly processCount: number
  readonly local: readonly (ShownKey & {
    readonly until: string
    readonly secondsLeft: number
    /** Named or chosen by this command. */
    readonly isChosen?: boolean
  })[]
  readonly split: readonly (ShownKey & {
    readonly owner: string
    readonly copies: readonly { readonly salt: number; readonly node: string }[]
  })[]
  /** Hot keys that were sampled or reported, and are not for the memory of processes. */
  readonly notPublished?: readonly (ShownKey & { readonly reason: string })[]
  readonly warnings: readonly string[]
}

/** What a publication was about. */
export interface PublishedKeys {
  readonly keys?: readonly Buffer[]
  readonly others?: readonly { readonly name: string; readonly reason: string }[]
}

export function toHotSetReport(
  topology: string,
  shown: ShownHotSet,
  { keys, others }: PublishedKeys = {},
): HotSetReport {
  const chosen = keys && new Set(keys.map((key) => key.toString('latin1')))
  const { control, generation, processCount, wallMs, warnings } = shown
  const alive = shown.local.filter(({ untilMs }) => untilMs > wallMs)
  return {
    schema: 'cachectl/hot-set/v1',
    ...{ topology, control, generation, processCount },
    by: generation === 0 ? null : shown.by,
    published: generation === 0 ? null : new Date(shown.publishedMs).toISOString(),
    local: alive.map(({ key, untilMs }) => ({
      ...shownKey(key),
      until: new Date(untilMs).toISOString(),
      secondsLeft: (untilMs - wallMs) / 1_000,
      ...(chosen && { isChosen: chosen.has(key.toString('latin1')) }),
    })),
    split: shown.split.map(({ key }, index) => ({ ...shownKey(key), ...shown.placed[index]! })),
    ...(others && {
      notPublished: others.map(({ name, reason }) => ({
        ...shownKey(Buffer.from(name, 'latin1')),
        reason,
      })),
    }),
    warnings,
  }
}

/** What makes the rest idle first. */
export function renderHotSet(report: HotSetReport, { columns }: ScreenWidth): string {
  const { generation, by, published, control, processCount, local, split, notPublished } = report
  const followers = `${formatCount(processCount)} ${processCount === 1 ? 'process follows' : 'processes follow'} it`
  const lines = report.warnings.map((text) => `warning: ${text}`)
  if (by === null || published === null)
    lines.push(`nothing is published in control store ${printable(control)}; ${followers}`)
  else
    lines.push(
      `generation ${generation} in control store ${printable(control)}; ${followers}`,
      `published ${published.slice(0, 19)}Z by ${printable(by, 60)}`,
    )
  if (generation > 0 && local.length + split.length === 0) lines.push('no keys')
  if (notPublished && !local.some(({ isChosen }) => isChosen))
    lines.push('Nothing was added: no key is both surely hot and hardly written.')
  return [
    lines.map((line) => wrapText(line, columns, 2)).join('\n'),
    localTable(local),
    splitTable(split, columns),
    notPublishedTable(notPublished ?? []),
  ]
    .filter((block) => block !== '')
    .join('\n\n')
}

function localTable(local: HotSetReport['local']): string {
  if (local.length === 0) return ''
  return renderTable(
    [{ title: 'served from memory' }, { title: 'for', align: 'right' }, { title: '' }],
    local.map(({ key, secondsLeft, isChosen }) => [
      middle(key),
      formatAbout(Math.round(secondsLeft)),
      isChosen ? 'by this command' : '',
    ]),
  )
}

function splitTable(split: HotSetReport['split'], columns: number): string {
  if (split.length === 0) return ''
  const owners = Math.max(...split.map(({ owner }) => columnsOf(printable(owner))))
  const keys = Math.max(...split.map(({ key }) => columnsOf(middle(key))))
  return renderTable(
    [{ title: 'split' }, { title: 'owner' }, { title: 'copies' }],
    split.map(({ key, owner, copies }) => [
      middle(key),
      printable(owner),
      cutMiddle(nodes(copies), Math.max(16, columns - keys - owners - 4)),
    ]),
  )
}

const mostOfReason = 3

/** Of many keys with one reason the first ones; the JSON has them all. */
function notPublishedTable(keys: NonNullable<HotSetReport['notPublished']>): string {
  const groups = new Map<string, string[]>()
  for (const { key, reason } of keys) groups.set(reason, [...(groups.get(reason) ?? []), key])
  if (groups.size === 0) return ''
  const rows = [...groups].flatMap(([reason, names]) => {
    const rest = names.length - mostOfReason
    const shown = names.slice(0, mostOfReason).map((name) => [cutMiddle(name, 32), printable(reason, 44)])
    return rest > 0 ? [...shown, [`${formatCount(rest)} more`, printable(reason, 44)]] : shown
  })
  return renderTable([{ title: 'not published' }, { title: 'because' }], rows)
}

export interface SplitReport extends ShownKey {
  readonly schema: 'cachectl/hot-split/v1'
  readonly generation: number
  readonly control: string
  readonly owner: string
  readonly bytes: number
  /** null: too few commands on the key were seen. */
  readonly writeShare: number | null
  readonly copies: readonly {
    readonly salt: number
    readonly node: string
    readonly leftMs: number
    /** Else a process of the library was faster. */
    readonly isOurs: boolean
  }[]
}

export function toSplitReport(key: Buffer, control: string, result: SplitResult): SplitReport {
  const { set, owner, bytes, writeShare = null, copies } = result
  return {
    schema: 'cachectl/hot-split/v1',
    ...shownKey(key),
    ...{ generation: set.generation, control, owner, bytes, writeShare },
    copies: copies.map(({ salt, node, leftMs, isOurs }) => ({ salt, node, leftMs, isOurs })),
  }
}

export function renderSplit(report: SplitReport, { columns: width }: ScreenWidth): string {
  const { key, owner, bytes, writeShare, copies, generation, control } = report
  const rows = copies.map(({ salt, node, leftMs, isOurs }) => [
    printable(node),
    String(salt),
    formatMs(leftMs),
    isOurs ? 'cachectl' : 'a process of the library',
  ])
  const columns = [
    { title: 'copy on' },
    { title: 'salt', align: 'right' as const },
    { title: 'lives', align: 'right' as const },
    { title: 'made by' },
  ]
  return [
    wrapText(
      `${middle(key)} on ${printable(owner)}, ${formatBytes(bytes)}, ${writeShare === null ? 'too few commands seen to tell what writes' : `${formatPercent(writeShare)} writes`}`,
      width,
      2,
    ),
    '',
    renderTable(columns, rows),
    '',
    wrapText(
      `Each copy is as its original, byte for byte. Published as generation ${generation} in control store ${printable(control)}.`,
      width,
    ),
  ].join('\n')
}

export interface UnsplitReport extends ShownKey {
  readonly schema: 'cachectl/hot-unsplit/v1'
  readonly generation: number
  readonly control: string
  readonly waitedMs: number
  readonly copies: UnsplitResult['copies']
}

export function toUnsplitReport(key: Buffer, control: string, result: UnsplitResult): UnsplitReport {
  const { set, waitedMs, copies } = result
  const { generation } = set
  return {
    schema: 'cachectl/hot-unsplit/v1',
    ...shownKey(key),
    ...{ generation, control, waitedMs, copies },
  }
}

export function renderUnsplit(report: UnsplitReport, { columns }: ScreenWidth): string {
  const { key, generation, control, waitedMs, copies } = report
  return [
    `${middle(key)} is split no more: generation ${generation} in control store ${printable(control)}.`,
    `No copy is left on ${nodes(copies)}, seen for the last of ${formatMs(waitedMs)}.`,
  ]
    .map((line) => wrapText(line, columns, 2))
    .join('\n')
}

export type HotSetChangeReport = ShownKey & {
  readonly schema: 'cachectl/hot-set-change/v1'
  readonly at: string
  readonly change: PublishedChange['kind']
  readonly share: number | null
  readonly reason: string
  readonly generation: number
}

export function toHotSetChangeReport(
  { kind, name, share, reason, generation }: PublishedChange,
  wallMs: number,
): HotSetChangeReport {
  return {
    schema: 'cachectl/hot-set-change/v1',
    at: new Date(wallMs).toISOString(),
    change: kind,
    ...shownKey(Buffer.from(name, 'latin1')),
    ...{ share, reason, generation },
  }
}

/** One line, which fits a terminal; a log has no width. */
export function renderHotSetChange(report: HotSetChangeReport, columns = Number.POSITIVE_INFINITY): string {
  const { at, change, key, share, reason } = report
  const shown = share === null ? '' : ` ${formatPercent(share)}`
  const head = `${at.slice(11, 19)} ${change.padEnd(9)} `
  const tail = `${shown}: ${reason}`
  return `${head}${cutMiddle(key, Math.max(16, Math.min(widest, columns - head.length - tail.length)))}${tail}`
}

function shownKey(key: Buffer): ShownKey {
  return { key: printable(key), keyBase64: key.toString('base64') }
}

const widest = 48

function middle(key: string): string {
  return cutMiddle(key, widest)
}

function nodes(copies: readonly { readonly node: string }[]): string {
  return copies.map(({ node }) => printable(node)).join(' ')
}
