/** Which keys are hot, from the tallies of all nodes; each number with the interval that it is worth. */

import { type Candidate, candidatesOf, othersBound } from './candidates.js'
import { type Bounded, isPrecise, scaled, shareOf, weightedSum } from './interval.js'
import { rankShown } from './ranks.js'
import { readShare } from './read-share.js'
import type { KeyTally, Tally } from './tally.js'

export interface HotKey {
  /** latin1: every byte kept. */
  readonly name: string
  /** Keys of one rank differ by no more than chance would explain. From 1; the rank after three keys of rank 2 is 5. */
  readonly rank: number
  /** The tied group's number, from 1, where others share the rank. */
  readonly tie?: number
  /**
   * `certain`: above the threshold on a node, and the chance that any such key of a run is not is below 1 in 1,000.
   * `possible`: its estimate is above.
   */
  readonly certainty: 'certain' | 'possible'
  /** Where it was seen, busiest first. */
  readonly nodes: readonly NodeShare[]
  /** Share of the commands of all sampled nodes, each weighted by the commands a second it has. */
  readonly ring: Bounded
  readonly opsPerSec: Bounded
  /** Commands sampled that named it. */
  readonly seen: number
  /** Command → share of the key's commands, most frequent first. */
  readonly mix: Readonly<Record<string, number>>
  /** Of its accesses: a look of the cache library is one (read-share.ts). */
  readonly writeShare: number
  /** What clients send, at least. */
  readonly bytesPerSec: number
  /** Shares of the key's commands and, beside them, of all the node's commands; most frequent first. */
  readonly clients: readonly { readonly client: string; readonly share: number; readonly ofNode: number }[]
}

export interface NodeShare {
  readonly node: string
  /** Of the node's commands. */
  readonly share: Bounded
  readonly opsPerSec: number
  /** Part of the node's command time that the commands which name it take; absent where the source does not tell. */
  readonly cpuShare?: number
}

export interface NodeSamples {
  readonly node: string
  readonly samples: number
  readonly bursts: number
  /** From the first burst to the last one. */
  readonly spanMs: number
  readonly opsPerSec: number
}

export interface Estimate {
  /** Hottest first, at most `top`. */
  readonly keys: readonly HotKey[]
  /** Names of all, not only of those shown. */
  readonly names: ReadonlySet<string>
  /** Of all, too. */
  readonly certainCount: number
  readonly possibleCount: number
  readonly nodes: readonly NodeSamples[]
  readonly samples: number
  readonly bursts: number
  /** No key that is not shown has a larger share of its node, at 95 %; a key that was never seen neither. */
  readonly upperBound: number
  /** By node, where there are any. */
  readonly open: ReadonlyMap<string, OpenShares>
}

/** A node's shares of which it is not ruled out, at 95 %, that they are above the threshold. */
export interface OpenShares {
  /** Of these, those that are not known well enough to say more. */
  readonly undecided: number
  /** Half the widest interval. */
  readonly halfWidth: number
}

export interface EstimateOptions {
  /** Hot are keys above this share of a node's commands. */
  readonly threshold: number
  readonly top: number
  /** Commands a second of each node, by id. */
  readonly opsPerSec: ReadonlyMap<string, number>
}

/** The chance that any key of the run is called certain and is not above the threshold. */
const certainError = 0.001
/** What was seen twice is an anecdote. */
export const fewestSeen = 3

export function estimate(tallies: readonly Tally[], options: EstimateOptions): Estimate {
  const sampled = tallies.filter(({ samples }) => samples > 0)
  const nodes = sampled.map((tally) => samplesOf(tally, options))
  const { near, others } = candidatesOf(sampled, options.threshold)
  const found = byKey(judge(near, options), weigher(nodes))
  const shown = found.slice(0, options.top)
  const names = new Set(shown.map(({ name }) => name))
  const ranks = rankShown(shown)
  const certainCount = found.filter(isCertain).length
  const unshown = near.filter(({ key }) => !names.has(key.name))
  return {
    keys: shown.map((key, index) => ({ ...hotKey(key, options), ...ranks[index]! })),
    names: new Set(found.map(({ name }) => name)),
    certainCount,
    possibleCount: found.length - certainCount,
    nodes,
    samples: sum(nodes.map(({ samples }) => samples)),
    bursts: sum(nodes.map(({ bursts }) => bursts)),
    upperBound: othersBound(sampled, [...unshown, ...others], options.threshold),
    open: openShares(near, options.threshold),
  }
}

interface Part extends Candidate {
  readonly share: Bounded
  readonly verdict: 'certain' | 'possible' | 'below'
}

/** A key with its parts, busiest node first. */
interface Found {
  readonly name: string
  readonly parts: readonly Part[]
  readonly ring: Bounded
}

/** Parts of the keys that are above the threshold on a node. Of tens of thousands that were seen once or twice none is made. */
function judge(near: readonly Candidate[], { threshold }: EstimateOptions): Part[] {
  const isNear = ({ tally, key }: Candidate) => key.seen >= (tally.samples * threshold) / 2
  // only keys near the threshold or above it are taken for hot by chance, and each of them is one chance
  const error = (2 * certainError) / Math.max(1, near.filter(isNear).length)
  const isPossible = ({ tally, key }: Candidate) =>
    key.seen >= fewestSeen && key.seen >= tally.samples * threshold
  const names = new Set(near.filter(isPossible).map(({ key }) => key.name))
  return near
    .filter(({ key }) => names.has(key.name))
    .map((candidate) => {
      const { tally, key } = candidate
      const share = shareOf(key, tally)
      if (!isPossible(candidate)) return { ...candidate, share, verdict: 'below' }
      const isCertain = shareOf(key, tally, error).low > threshold
      return { ...candidate, share, verdict: isCertain ? 'certain' : 'possible' }
    })
}

function openShares(near: readonly Candidate[], threshold: number): Map<string, OpenShares> {
  const open = new Map<string, { undecided: number; halfWidth: number }>()
  for (const { tally, key } of near) {
    const share = shareOf(key, tally)
    if (share.high < threshold) continue
    const own = open.get(tally.node) ?? { undecided: 0, halfWidth: 0 }
    open.set(tally.node, own)
    own.halfWidth = Math.max(own.halfWidth, (share.high - share.low) / 2)
    if (!isPrecise(share)) own.undecided += 1
  }
  return open
}

const isCertain = ({ parts }: Found) => parts.some(({ verdict }) => verdict === 'certain')

/** A node's part of all commands; where no node says how many it has, by what was sampled. */
function weigher(nodes: readonly NodeSamples[]): (node: string) => number {
  const ops = sum(nodes.map(({ opsPerSec }) => opsPerSec))
  const samples = sum(nodes.map((node) => node.samples))
  const weights = new Map(
    nodes.map((node) => [node.node, ops > 0 ? node.opsPerSec / ops : node.samples / samples]),
  )
  return (node) => weights.get(node) ?? 0
}

/** Hottest first. */
function byKey(parts: readonly Part[], weightOf: (node: string) => number): Found[] {
  const groups = new Map<string, Part[]>()
  for (const part of parts) {
    const own = groups.get(part.key.name)
    if (own) own.push(part)
    else groups.set(part.key.name, [part])
  }
  const load = ({ tally, share }: Part) => weightOf(tally.node) * share.value
  return [...groups]
    .map(([name, own]) => ({
      name,
      parts: own.sort((a, b) => load(b) - load(a)),
      ring: weightedSum(own.map(({ tally, share }) => ({ share, weight: weightOf(tally.node) }))),
    }))
    .sort((a, b) => b.ring.value - a.ring.value || (a.name < b.name ? -1 : 1))
}

function hotKey(found: Found, options: EstimateOptions): Omit<HotKey, 'rank' | 'tie'> {
  const { name, parts, ring } = found
  const ringOps = sum([...options.opsPerSec.values()])
  return {
    name,
    certainty: isCertain(found) ? 'certain' : 'possible',
    nodes: parts.map((part) => nodeShare(part, options)),
    ring,
    opsPerSec: scaled(ring, ringOps),
    seen: sum(parts.map((part) => part.key.seen)),
    ...mixOf(parts),
    bytesPerSec: sum(
      parts.map((part) => (part.key.bytes / part.key.seen) * nodeShare(part, options).opsPerSec),
    ),
    clients: clientsOf(parts),
  }
}

function nodeShare({ tally, key, share }: Part, { opsPerSec }: EstimateOptions): NodeShare {
  return {
    ...{ node: tally.node, share, opsPerSec: share.value * (opsPerSec.get(tally.node) ?? 0) },
    ...cpuOf(key, tally),
  }
}

function cpuOf({ details, seen }: KeyTally, { micros }: Tally): Pick<NodeShare, 'cpuShare'> {
  if (!details || micros <= 0) return {}
  const each = details.micros / sum([...details.commands.values()])
  return { cpuShare: Math.min(1, (each * seen) / micros) }
}

function samplesOf({ node, samples, bursts, spanMs }: Tally, { opsPerSec }: EstimateOptions): NodeSamples {
  return { node, samples, bursts, spanMs, opsPerSec: opsPerSec.get(node) ?? 0 }
}

function mixOf(parts: readonly Part[]): { mix: Record<string, number>; writeShare: number } {
  const counts = new Map<string, number>()
  for (const { key } of parts)
    for (const [command, count] of key.details?.commands ?? [])
      counts.set(command, (counts.get(command) ?? 0) + count)
  const total = sum([...counts.values()])
  const sorted = [...counts].sort((a, b) => b[1] - a[1])
  const mix = Object.fromEntries(sorted.map(([command, count]) => [command, count / total] as const))
  return { mix, writeShare: total > 0 ? 1 - readShare(mix) : 0 }
}

const mostClients = 3

function clientsOf(parts: readonly Part[]): HotKey['clients'] {
  const [busiest] = parts
  const counters = [...(busiest?.key.details?.clients.counters() ?? [])]
  const total = sum([...(busiest?.key.details?.commands.values() ?? [])])
  return counters
    .sort((a, b) => b.count - a.count)
    .slice(0, mostClients)
    .map(({ name, count, error }) => ({
      client: name,
      share: (count - error) / total,
      ofNode: (busiest?.tally.clients.get(name)?.count ?? 0) / (busiest?.tally.samples ?? 1),
    }))
}

function sum(values: readonly number[]): number {
  let total = 0
  for (const value of values) total += value
  return total
}
