/**
 * From samples to shares with their uncertainty. Commands of one burst are alike (traffic comes in waves), so the
 * variance is taken between bursts: the ratio estimator of cluster sampling (Cochran, Sampling Techniques, §6.4), with
 * the binomial variance as its floor.
 */
import type { KeyTally, Tally } from './tally.js'

export interface HotKey {
  /** latin1: every byte kept. */
  readonly name: string
  readonly share: number
  /** 95 % interval. */
  readonly shareLow: number
  readonly shareHigh: number
  readonly opsPerSec: number
  /** Node ids, busiest first. */
  readonly nodes: readonly string[]
  /** Command → share of the key's commands. */
  readonly commands: Readonly<Record<string, number>>
}

export interface Estimate {
  /** Hottest first. */
  readonly keys: readonly HotKey[]
  readonly sampledCommands: number
  readonly burstCount: number
  /** No key has a larger share than this, at 95 % confidence, beyond those reported. */
  readonly upperBound: number
  readonly nodes: readonly NodeSamples[]
  /** Keys of a node that may be above the threshold there. */
  readonly candidates: readonly Candidate[]
}

export interface NodeSamples {
  readonly node: string
  readonly bursts: number
  readonly samples: number
  /** From its first burst to its last. */
  readonly spanMs: number
}

/** A key's share of one node's commands, and its 95 % interval. */
export interface Candidate {
  readonly node: string
  readonly share: number
  readonly low: number
  readonly high: number
}

export interface EstimateOptions {
  /** Report keys above this share of all commands. */
  readonly threshold: number
  readonly top: number
  /** Commands a second of each node, by id. */
  readonly opsPerSec: ReadonlyMap<string, number>
}

const z95 = 1.96
/** A key is not hot because there are few keys: it must exceed what even traffic over the seen keys would give it. */
const overEven = 1.5
/** … unless its share is large whatever the others have. */
const largeShare = 0.2

export function estimate(tallies: readonly Tally[], options: EstimateOptions): Estimate {
  const sampled = tallies.filter((tally) => sum(tally.burstSizes) > 0)
  const sampledCommands = sum(sampled.map((tally) => sum(tally.burstSizes)))
  const ringOps = sum(sampled.map((tally) => options.opsPerSec.get(tally.node) ?? 0))
  const weightOf = (tally: Tally) =>
    ringOps > 0 ? (options.opsPerSec.get(tally.node) ?? 0) / ringOps : sum(tally.burstSizes) / sampledCommands
  const byName = new Map<string, Part[]>()
  for (const tally of sampled) {
    const weight = weightOf(tally)
    for (const [name, key] of tally.keys)
      byName.set(name, [...(byName.get(name) ?? []), { tally, key, weight }])
  }
  // each key is a chance to be wrong once: what is reported must hold for all of them together
  const zAll = normalQuantile(1 - 0.025 / Math.max(1, byName.size))
  const keys: HotKey[] = []
  let upperBound = 0
  for (const [name, parts] of byName) {
    const all = interval(parts, zAll)
    const isHot = all.low > options.threshold && (all.low > overEven / byName.size || all.low > largeShare)
    if (!isHot) {
      upperBound = Math.max(upperBound, all.high)
      continue
    }
    const { share, low, high } = interval(parts, z95)
    const nodes = [...parts].sort((a, b) => b.key.count - a.key.count).map(({ tally }) => tally.node)
    keys.push({
      name,
      share,
      shareLow: low,
      shareHigh: high,
      opsPerSec: share * ringOps,
      nodes,
      commands: mixOf(parts),
    })
  }
  keys.sort((a, b) => b.share - a.share)
  // also for a key that was never seen: the rule of three
  const unseen = sampledCommands > 0 ? Math.max(upperBound, 3 / sampledCommands) : 1
  return {
    keys: keys.slice(0, options.top),
    sampledCommands,
    burstCount: sum(sampled.map((tally) => tally.burstSizes.length)),
    upperBound: Math.min(1, unseen),
    nodes: tallies.map(({ node, burstSizes, firstMs, lastMs }) => ({
      ...{ node, bursts: burstSizes.length, samples: sum(burstSizes) },
      spanMs: Math.max(0, lastMs - firstMs),
    })),
    candidates: sampled.flatMap((tally) => candidatesOf(tally, options.threshold)),
  }
}

/** What few samples show is not looked at: its interval ends below the threshold once there are samples enough. */
function candidatesOf(tally: Tally, threshold: number): Candidate[] {
  const least = (threshold / 4) * sum(tally.burstSizes)
  return [...tally.keys.values()]
    .filter(({ count }) => count >= least && count >= 3)
    .map((key) => ({ node: tally.node, ...interval([{ tally, key, weight: 1 }], z95) }))
    .filter(({ high }) => high >= threshold)
}

interface Part {
  readonly tally: Tally
  readonly key: KeyTally
  /** The node's part of all commands. */
  readonly weight: number
}

/** Wilson-shaped around the weighted share, with the design effect of the bursts taken from the sample size. */
function interval(parts: readonly Part[], z: number): { share: number; low: number; high: number } {
  let share = 0
  let variance = 0
  let sampleSize = 0
  let bursts = 0
  for (const { tally, key, weight } of parts) {
    const total = sum(tally.burstSizes)
    const p = key.count / total
    share += weight * p
    variance += weight ** 2 * Math.max(clusterVariance(tally, key, p), (p * (1 - p)) / total)
    sampleSize += total
    bursts += tally.burstSizes.length
  }
  if (share >= 1 || share <= 0 || variance <= 0)
    return { share, low: share >= 1 ? 1 - 3 / sampleSize : 0, high: share >= 1 ? 1 : 3 / sampleSize }
  const effective = (share * (1 - share)) / variance
  const t = tQuantile(z, Math.max(1, bursts - parts.length))
  const middle = (share + t ** 2 / (2 * effective)) / (1 + t ** 2 / effective)
  const half =
    (t * Math.sqrt((share * (1 - share)) / effective + t ** 2 / (4 * effective ** 2))) /
    (1 + t ** 2 / effective)
  return { share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

function clusterVariance({ burstSizes }: Tally, key: KeyTally, p: number): number {
  const count = burstSizes.length
  if (count < 2) return p * (1 - p)
  const mean = sum(burstSizes) / count
  let squares = 0
  for (let burst = 0; burst < count; burst++)
    squares += ((key.bursts.get(burst) ?? 0) - p * burstSizes[burst]!) ** 2
  return squares / (count * (count - 1) * mean ** 2)
}

function mixOf(parts: readonly Part[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const { key } of parts)
    for (const [command, count] of key.commands) counts.set(command, (counts.get(command) ?? 0) + count)
  const total = sum([...counts.values()])
  return Object.fromEntries(
    [...counts].sort((a, b) => b[1] - a[1]).map(([command, count]) => [command, count / total]),
  )
}

/** Student's t from the normal quantile, Cornish-Fisher to second order; within 1 % from 5 degrees of freedom. */
function tQuantile(z: number, freedom: number): number {
  return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2)
}

/** Abramowitz & Stegun 26.2.23, absolute error below 4.5e-4; for p ≥ 0.5. */
function normalQuantile(p: number): number {
  const t = Math.sqrt(-2 * Math.log(1 - p))
  return (
    t -
    (2.515517 + 0.802853 * t + 0.010328 * t ** 2) / (1 + 1.432788 * t + 0.189269 * t ** 2 + 0.001308 * t ** 3)
  )
}

function sum(values: readonly number[]): number {
  let total = 0
  for (const value of values) total += value
  return total
}
