/** A hot key as reports have it: the estimate, what its node says about it, and what to do. */
import type { HotKey } from './estimate.js'
import type { Bounded } from './interval.js'
import type { KeyNames, ShownKey } from './redaction.js'
import { type KeyFacts, type Suggestion, suggest } from './suggestions.js'
import type { Change, Trend } from './trend.js'

export interface ReportedKey extends ShownKey, KeyFacts {
  readonly rank: number
  readonly tie?: number
  readonly certainty: HotKey['certainty']
  readonly nodes: readonly {
    readonly node: string
    readonly share: number
    readonly shareLow: number
    readonly shareHigh: number
    readonly opsPerSec: number
    /** Part of the node's command time, where the source tells. */
    readonly cpuShare?: number
  }[]
  readonly ringShare: number
  readonly ringShareLow: number
  readonly ringShareHigh: number
  readonly opsPerSec: number
  readonly opsPerSecLow: number
  readonly opsPerSecHigh: number
  readonly commands: Readonly<Record<string, number>>
  readonly writeShare: number
  /** What clients send, at least. */
  readonly inBytesPerSec: number
  /** What is answered to reads of a string. */
  readonly outBytesPerSec?: number
  readonly clients: HotKey['clients']
  readonly suggestion: Suggestion
  readonly change?: Change
}

export interface KeyContext {
  /** By name; none of keys that were not asked for. */
  readonly facts: ReadonlyMap<string, KeyFacts>
  readonly names: KeyNames
  readonly trend?: Trend
}

export function reportedKey(key: HotKey, { names, facts, trend }: KeyContext): ReportedKey {
  const known = facts.get(key.name) ?? {}
  const { ring, opsPerSec, writeShare } = key
  const change = trend?.changes.get(key.name)
  return {
    ...names.key(key.name),
    rank: key.rank,
    ...(key.tie === undefined ? {} : { tie: key.tie }),
    certainty: key.certainty,
    nodes: key.nodes.map((node) => ({
      node: node.node,
      share: node.share.value,
      shareLow: node.share.low,
      shareHigh: node.share.high,
      opsPerSec: node.opsPerSec,
      ...(node.cpuShare === undefined ? {} : { cpuShare: node.cpuShare }),
    })),
    ringShare: ring.value,
    ringShareLow: ring.low,
    ringShareHigh: ring.high,
    opsPerSec: opsPerSec.value,
    opsPerSecLow: opsPerSec.low,
    opsPerSecHigh: opsPerSec.high,
    commands: key.mix,
    writeShare,
    inBytesPerSec: key.bytesPerSec,
    ...(known.type === 'string' && known.sizeBytes !== undefined
      ? { outBytesPerSec: readsPerSec(opsPerSec, writeShare) * known.sizeBytes }
      : {}),
    clients: key.clients,
    ...known,
    suggestion: suggest(key, known),
    ...(change ? { change } : {}),
  }
}

function readsPerSec({ value }: Bounded, writeShare: number): number {
  return value * (1 - writeShare)
}
