/** The stream of a mix: an operation by weight, a key by the distribution, size and TTL where something may be written. */
import { createKeyDraw, type KeyDistribution } from './key-distribution.js'
import type { KeysByAge } from './key-draw.js'
import type { MixSpec, RequestSource, SourceOptions } from './request-source.js'
import { createSizeDraw } from './size-distribution.js'
import { createTtlDraw } from './ttl-mix.js'
import { createWeightedDraw } from './weighted-draw.js'
import type { OperationSpec } from './workload.js'

/**
 * Never ends. A size is drawn where the operation writes one, and for a `read`, whose miss is followed by a write; else
 * `valueBytes` and `ttlSeconds` are 0. All but `latest` and `exponential` draw among the keys of the start only; these two go by
 * age, and know of this thread's own inserts, so that they ask for no key that another thread has not written yet.
 */
export function createMix(spec: MixSpec, options: SourceOptions): RequestSource {
  const { operations, keyCount, random, part } = options
  const inserted = createInserted(keyCount, part)
  const drawKey = createKeyDraw(spec.distribution, keyCount, random, { byAge: inserted, part })
  const drawOperation = createWeightedDraw(
    operations.map(({ weight }) => weight),
    random,
  )
  const drawBytes = createSizeDraw(spec.values, random)
  const drawTtl = createTtlDraw(spec.ttl, random)
  const { sizes, ttls, inserts, fewest, spans, consecutive, mostKeys } = columnsOf(operations)
  const isByAge = goesByAge(spec.distribution)
  let shift = 0

  /** The shift of those that go by age is in `inserted`. */
  const nextKey = () => {
    const key = drawKey()
    if (isByAge) return key
    return key + shift < keyCount ? key + shift : key + shift - keyCount
  }
  /** Numbers go up and around; from an inserted key down, because those above it are not there yet. */
  const neighbour = (first: number, distance: number): number =>
    first < keyCount ? (first + distance) % keyCount : Math.max(0, first - distance)
  const nextKeys = (keys: Uint32Array, op: number): number => {
    const count = spans[op] === 1 ? fewest[op]! : fewest[op]! + random.below(spans[op]!)
    const first = nextKey()
    keys[0] = first
    for (let at = 1; at < count; at++) keys[at] = consecutive[op] === 1 ? neighbour(first, at) : nextKey()
    return count
  }

  return {
    op: 0,
    key: 0,
    valueBytes: 0,
    ttlSeconds: 0,
    keyCount: 1,
    keys: new Uint32Array(mostKeys),
    atMs: 0,
    next() {
      const op = drawOperation()
      this.op = op
      if (fewest[op]! > 0) {
        this.keyCount = nextKeys(this.keys, op)
        this.key = this.keys[0]!
      } else {
        this.keyCount = 1
        this.key = inserts[op] === 1 ? inserted.add() : nextKey()
      }
      this.valueBytes = sizes[op] === 1 ? drawBytes() : 0
      this.ttlSeconds = ttls[op] === 1 ? drawTtl() : 0
      return true
    },
    shiftTo(share) {
      shift = Math.floor(share * keyCount) % keyCount
      inserted.shiftBy(share)
    },
  }
}

function goesByAge({ kind }: KeyDistribution): boolean {
  return kind === 'latest' || kind === 'exponential'
}

/** What `next()` needs of each operation, in columns. */
function columnsOf(operations: readonly OperationSpec[]) {
  const mayWrite = ['read', 'write', 'insert', 'read-modify-write']
  const flags = (has: (operation: OperationSpec) => boolean) =>
    Uint8Array.from(operations, (each) => (has(each) ? 1 : 0))
  const takes = (kind: 'value' | 'ttl') => (operation: OperationSpec) =>
    operation.kind === 'command'
      ? (operation.commands ?? []).some((template) => template.some((argument) => argument.kind === kind))
      : mayWrite.includes(operation.kind)
  const counts = operations.map(({ kind, keyCount }) => (kind === 'read-many' ? keyCount : undefined))
  return {
    sizes: flags(takes('value')),
    ttls: flags(takes('ttl')),
    inserts: flags(({ kind }) => kind === 'insert'),
    /** 0: not `read-many`. */
    fewest: Uint32Array.from(counts, (keys) => keys?.min ?? 0),
    spans: Uint32Array.from(counts, (keys) => (keys ? keys.max - keys.min + 1 : 0)),
    consecutive: flags(({ keyCount }) => keyCount?.consecutive ?? false),
    mostKeys: Math.max(1, ...counts.map((keys) => keys?.max ?? 1)),
  }
}

/**
 * The keys of this thread by age: those of the start, the highest the newest of them, and its own inserts. Those go to the
 * numbers keyCount + index, keyCount + index + threads, …, below 2 × keyCount, and then over the oldest of them.
 */
function createInserted(keyCount: number, part: { readonly index: number; readonly count: number }) {
  // with more threads than keys, some share a number: there are no more
  const first = keyCount + (part.index % keyCount)
  const capacity = Math.max(1, Math.ceil((keyCount - part.index) / part.count))
  let added = 0
  let own = 0
  let latest = -1
  let shift = 0
  return {
    get count() {
      return keyCount + own
    },
    maxCount: keyCount + capacity,
    /** The number of the next key to insert. */
    add(): number {
      added += 1
      own = Math.min(added, capacity)
      latest = latest + 1 === capacity ? 0 : latest + 1
      return first + latest * part.count
    },
    keyAt(age: number): number {
      const count = keyCount + own
      const moved = shift === 0 ? age : (age + Math.floor(shift * count)) % count
      if (moved >= own) return keyCount - 1 - (moved - own)
      const slot = latest - moved
      return first + (slot < 0 ? slot + capacity : slot) * part.count
    },
    shiftBy(share: number) {
      shift = share
    },
  } satisfies KeysByAge & { add(): number; shiftBy(share: number): void }
}
