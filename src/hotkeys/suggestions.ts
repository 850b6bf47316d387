/** What to do about a hot key, and why: one line an operator can check. */
import type { HotKey } from './estimate.js'

export const actions = [
  'l1',
  'split',
  'batch-writes',
  'shrink',
  'refresh-ahead',
  'fix-client',
  'none',
] as const
export type Action = (typeof actions)[number]

export interface Suggestion {
  readonly action: Action
  /** Plain text; no key names. */
  readonly reason: string
}

/** What the node says about a key; absent: the user may not ask. */
export interface KeyFacts {
  readonly exists?: boolean
  /** `string`, `hash`, … */
  readonly type?: string
  /** null: it stays until it is removed. */
  readonly ttlMs?: number | null
  /** Of a string's value, else of all that the server keeps for the key. */
  readonly sizeBytes?: number
}

const readMostly = 0.95
/** `hotkeys split` refuses above it. */
const writesOfSplit = 0.1
const largeBytes = 64 * 1024
const shortTtlMs = 60_000
const oneClient = 0.8

/** The first that applies: what is wrong at its root before what eases it. */
export function suggest(key: HotKey, facts: KeyFacts): Suggestion {
  if (key.certainty === 'possible')
    return { action: 'none', reason: 'not certain yet: sample for longer, or with a larger budget' }
  if (Object.keys(key.mix).length === 0)
    return { action: 'none', reason: 'too few of its commands were seen to tell reads from writes' }
  return (
    fixClient(key, facts) ??
    shrink(facts) ??
    batchWrites(key) ??
    refreshAhead(key, facts) ??
    serveElsewhere(key)
  )
}

/** Read, and not there: what is written as well may only have expired. */
export function isAskedInVain(key: HotKey, { exists }: KeyFacts = {}): boolean {
  const isKnown = key.certainty === 'certain' && Object.keys(key.mix).length > 0
  return isKnown && exists === false && isReadMostly(key)
}

function fixClient(key: HotKey, facts: KeyFacts): Suggestion | undefined {
  const [first] = key.clients
  if (isAskedInVain(key, facts))
    return {
      action: 'fix-client',
      reason: 'it does not exist: every read is a miss; let clients remember that it is absent',
    }
  // a client that has most of all the node's commands tells nothing about this key
  if (first && first.share > oneClient && first.ofNode < first.share / 2)
    return {
      action: 'fix-client',
      reason: `one connection sends ${percent(first.share)} of its commands, and ${percent(first.ofNode)} of all the node's`,
    }
  return undefined
}

function shrink({ sizeBytes = 0 }: KeyFacts): Suggestion | undefined {
  if (sizeBytes <= largeBytes) return undefined
  return {
    action: 'shrink',
    reason: `its value has ${Math.round(sizeBytes / 1024).toLocaleString('en')} KiB: compress it, or divide it into several keys`,
  }
}

function batchWrites({ writeShare }: HotKey): Suggestion | undefined {
  if (writeShare <= writesOfSplit) return undefined
  return {
    action: 'batch-writes',
    reason: `${percent(writeShare)} writes: no copy of it would last; combine writes, or keep one counter a client and add them up`,
  }
}

function refreshAhead(key: HotKey, { ttlMs }: KeyFacts): Suggestion | undefined {
  if (typeof ttlMs !== 'number' || ttlMs >= shortTtlMs || !isReadMostly(key)) return undefined
  return {
    action: 'refresh-ahead',
    reason: `it expires within ${Math.max(1, Math.round(ttlMs / 1000))} s: when it does, all its readers miss at once; refresh it ahead, with jitter`,
  }
}

/** Two standard errors are given: the samples of keys with 95 % reads must not come out on both sides. */
function isReadMostly({ writeShare, seen }: HotKey): boolean {
  const slack = 2 * Math.sqrt((writeShare * (1 - writeShare)) / Math.max(1, seen))
  return 1 - writeShare + slack >= readMostly
}

function serveElsewhere(key: HotKey): Suggestion {
  const {
    writeShare,
    nodes: [first],
  } = key
  const reads = `${percent(1 - writeShare)} reads`
  if (isReadMostly(key)) return { action: 'l1', reason: `${reads}: serve it from the memory of the clients` }
  const share = first ? `, ${percent(first.share.value)} of its node` : ''
  return { action: 'split', reason: `${reads}${share}: read it from copies on other nodes` }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
