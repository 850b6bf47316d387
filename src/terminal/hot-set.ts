/** The published hot set, split keys and their copies, for people and scripts. */
import type { PublishedChange } from '../operations/hotkeys/keep-published.js'
import type { ShownHotSet } from '../operations/hotkeys/show-hot-set.js'
import type { SplitResult } from '../operations/hotkeys/split-key.js'
import type { UnsplitResult } from '../operations/hotkeys/unsplit-key.js'
import { printable } from '../printable.js'
import { formatBytes, formatCount, formatMs, formatPercent, formatSeconds } from './format.js'
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

export function renderHotSet(report: HotSetReport): string {
  const { generation, by, published, control, processCount, local, split, notPublished = [] } = report
  const followers = `${formatCount(processCount)} ${processCount === 1 ? 'process follows' : 'processes follow'} it`
  const lines =
    by === null || published === null
      ? [`nothing is published in control store ${printable(control)}; ${followers}`]
      : [
          `generation ${generation} in control store ${printable(control)}; ${followers}`,
          `published ${published.slice(0, 19)}Z by ${printable(by, 60)}`,
        ]
  if (local.length > 0) {
    const rows = local.map(({ key, secondsLeft, isChosen }) => [
      middle(key),
      formatSeconds(Math.round(secondsLeft)),
      isChosen ? 'by this command' : '',
    ])
    const columns = [
      { title: 'served from memory' },
      { title: 'for', align: 'right' as const },
      { title: '' },
    ]
    lines.push('', renderTable(columns, rows))
  }
  if (split.length > 0) {
    const rows = split.map(({ key, owner, copies }) => [middle(key), printable(owner), nodes(copies)])
    lines.push('', renderTable([{ title: 'split' }, { title: 'owner' }, { title: 'copies' }], rows))
  }
  if (generation > 0 && local.length + split.length === 0) lines.push('', 'no keys')
  if (notPublished.length > 0) {
    const rows = notPublished.map(({ key, reason }) => [middle(key), printable(reason)])
    lines.push('', renderTable([{ title: 'not published' }, { title: 'because' }], rows))
  }
  if (report.warnings.length > 0) lines.push('', ...report.warnings.map((text) => `warning: ${text}`))
  return lines.join('\n')
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

export function renderSplit(report: SplitReport): string {
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
    `${middle(key)} on ${printable(owner)}, ${formatBytes(bytes)}, ${writeShare === null ? 'too few commands seen to tell what writes' : `${formatPercent(writeShare)} writes`}`,
    '',
    renderTable(columns, rows),
    '',
    `Each copy is as its original, byte for byte. Published as generation ${generation} in control store ${printable(control)}.`,
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

export function renderUnsplit({ key, generation, control, waitedMs, copies }: UnsplitReport): string {
  return [
    `${middle(key)} is split no more: generation ${generation} in control store ${printable(control)}.`,
    `No copy is left on ${nodes(copies)}, seen for the last of ${formatMs(waitedMs)}.`,
  ].join('\n')
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

export function renderHotSetChange({ at, change, key, share, reason }: HotSetChangeReport): string {
  const shown = share === null ? '' : ` ${formatPercent(share)}`
  return `${at.slice(11, 19)} ${change.padEnd(9)} ${middle(key)}${shown}: ${reason}`
}

function shownKey(key: Buffer): ShownKey {
  return { key: printable(key), keyBase64: key.toString('base64') }
}

const widest = 48

/** Keys of one kind begin alike and end differently. */
function middle(key: string): string {
  return key.length <= widest ? key : `${key.slice(0, widest / 2 - 1)}…${key.slice(-widest / 2)}`
}

function nodes(copies: readonly { readonly node: string }[]): string {
  return copies.map(({ node }) => printable(node)).join(' ')
}
