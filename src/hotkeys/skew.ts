/** How unevenly the nodes are loaded, how much of it the hot keys explain, and what taking them off would do. */
import { copyName } from './hot-set.js'
import type { Tally } from './tally.js'

/** What one key asks of one node. */
export interface KeyLoad {
  readonly name: string
  readonly node: string
  readonly opsPerSec: number
}

export interface RingPlacement {
  /** The id of the node that owns a name (latin1). */
  owner(name: string): string
  /** The ring's two characters. */
  readonly hashTag: string | undefined
}

export interface Skew {
  /** The most loaded node. */
  readonly node: string
  readonly maxOverMean: number
  /** The same without the hot keys. */
  readonly withoutHotKeys: number
  readonly whatIf: WhatIf
}

/**
 * n·ln n keys are what a cache in front of n nodes needs to even them out, however many keys there are (Fan, Lim, Andersen
 * and Kaminsky, "Small Cache, Big Effect", SOCC 2011).
 */
export interface WhatIf {
  readonly keyCount: number
  /** Those keys served from the memory of the clients; `remainingLoad`: of all commands, what still goes to the nodes. */
  readonly l1: { readonly maxOverMean: number; readonly remainingLoad: number }
  /** Those keys read from so many places in turns: the owner and its copies. */
  readonly split: readonly { readonly places: number; readonly maxOverMean: number }[]
}

export interface SkewInput {
  /** Commands a second of each node, by id. */
  readonly opsPerSec: ReadonlyMap<string, number>
  /** Hottest first. */
  readonly keys: readonly KeyLoad[]
  readonly hotKeys: ReadonlySet<string>
  readonly placement: RingPlacement
}

/** undefined where there is nothing to compare: one node, or no traffic. */
export function skewOf({ opsPerSec, keys, hotKeys, placement }: SkewInput): Skew | undefined {
  const loads = [...opsPerSec].sort((a, b) => b[1] - a[1])
  const total = sum(opsPerSec.values())
  const [busiest] = loads
  if (loads.length < 2 || !busiest || total <= 0) return undefined
  const nodes = [...opsPerSec.keys()]
  const keyCount = frontKeys(nodes.length)
  const front = keysNamed(keys, new Set(distinctNames(keys).slice(0, keyCount)))
  const hot = keysNamed(keys, hotKeys)
  const taken = sum(front.map((key) => key.opsPerSec))
  return {
    node: busiest[0],
    maxOverMean: maxOverMean(opsPerSec),
    withoutHotKeys: maxOverMean(without(opsPerSec, hot)),
    whatIf: {
      keyCount: new Set(front.map(({ name }) => name)).size,
      l1: {
        maxOverMean: maxOverMean(without(opsPerSec, front)),
        remainingLoad: Math.max(0, 1 - taken / total),
      },
      split: [...new Set([2, nodes.length])].map((places) => ({
        places,
        maxOverMean: maxOverMean(spread(opsPerSec, front, { places, placement })),
      })),
    },
  }
}

/** n·ln n, at least one. */
export function frontKeys(nodeCount: number): number {
  return Math.max(1, Math.ceil(nodeCount * Math.log(nodeCount)))
}

/** The hottest keys of the ring by the tallies, so many names of each node at most. */
export function hottestLoads(
  tallies: readonly Tally[],
  opsPerSec: ReadonlyMap<string, number>,
  count: number,
): KeyLoad[] {
  const loads: KeyLoad[] = []
  for (const { node, samples, keys } of tallies) {
    const top = [...keys.counters()].sort((a, b) => b.seen - a.seen).slice(0, count)
    for (const { name, seen } of top)
      loads.push({ name, node, opsPerSec: (seen / samples) * (opsPerSec.get(node) ?? 0) })
  }
  return loads.sort((a, b) => b.opsPerSec - a.opsPerSec)
}

/** The owner first, then the nodes of the first copies that stand elsewhere; fewer where the ring has no more nodes. */
export function placesOf(name: string, count: number, placement: RingPlacement): string[] {
  const places = new Set([placement.owner(name)])
  const key = Buffer.from(name, 'latin1')
  for (let salt = 1; places.size < count && salt <= mostSalts; salt++)
    places.add(placement.owner(copyName(key, salt, placement.hashTag).toString('latin1')))
  return [...places]
}

/** With so many every node of a ring has had its copy, but for one whose weight is next to nothing. */
const mostSalts = 1_000

function without(opsPerSec: ReadonlyMap<string, number>, keys: readonly KeyLoad[]): Map<string, number> {
  const loads = new Map(opsPerSec)
  for (const key of keys) loads.set(key.node, Math.max(0, (loads.get(key.node) ?? 0) - key.opsPerSec))
  return loads
}

function spread(
  opsPerSec: ReadonlyMap<string, number>,
  keys: readonly KeyLoad[],
  { places, placement }: { places: number; placement: RingPlacement },
): Map<string, number> {
  const loads = without(opsPerSec, keys)
  for (const { name, opsPerSec: ops } of keys) {
    const nodes = placesOf(name, places, placement)
    for (const node of nodes) loads.set(node, (loads.get(node) ?? 0) + ops / nodes.length)
  }
  return loads
}

function maxOverMean(loads: ReadonlyMap<string, number>): number {
  const total = sum(loads.values())
  return total > 0 ? (Math.max(...loads.values()) * loads.size) / total : 1
}

function distinctNames(keys: readonly KeyLoad[]): string[] {
  const ops = new Map<string, number>()
  for (const key of keys) ops.set(key.name, (ops.get(key.name) ?? 0) + key.opsPerSec)
  return [...ops].sort((a, b) => b[1] - a[1]).map(([name]) => name)
}

function keysNamed(keys: readonly KeyLoad[], names: ReadonlySet<string>): KeyLoad[] {
  return keys.filter(({ name }) => names.has(name))
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
