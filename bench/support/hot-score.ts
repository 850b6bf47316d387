/** How good an answer about hot keys was: against counts of every command that was sent. */
import type { TrafficTruth, TrafficWindow } from './hot-traffic.js'

/** A key on a node, as `hotkeys --json` tells it. */
export interface FoundKey {
  readonly name: string
  readonly isCertain: boolean
  /** Of the node's commands. */
  readonly share: number
  readonly low: number
  readonly high: number
}

export interface Answer {
  /** In which it sampled. */
  readonly window: TrafficWindow
  readonly seconds: number
  readonly samples: number
  readonly keys: readonly FoundKey[]
  readonly upperBound: number
  /** NaN: none was. */
  readonly firstCertainSeconds: number
  /** Server time that sampling took, all nodes together, ms. */
  readonly costMs: number
  /** Of a node's time: the largest. */
  readonly costShare: number
}

export interface Score {
  /** Of the keys that are beyond doubt above the threshold, the part that was found. */
  readonly recall: number
  /** Of the keys reported, the part that is not beyond doubt below the threshold. */
  readonly precision: number
  readonly falseCertain: number
  /** Of the ring's 20 hottest keys, the part among those reported. */
  readonly recall20: number
  /** Of the shares reported of the 20 hottest keys, relative, one each. */
  readonly errors: readonly number[]
  readonly covered: number
  readonly intervals: number
}

/** An interval of 15 % to either side is narrow enough for the command to stop: inside it nobody can tell. */
const greyZone = 0.15

export function scoreOf(answer: Answer, truth: TrafficTruth, threshold: number): Score {
  const shareOf = new Map(truth.top.map(({ name, node, count }) => [name, count / truth.nodeTotals[node]!]))
  const found = new Map(answer.keys.map((key) => [key.name, key]))
  const hot = [...shareOf].filter(([, share]) => share >= threshold * (1 + greyZone))
  const isCold = ({ name }: FoundKey) => (shareOf.get(name) ?? 0) < threshold * (1 - greyZone)
  const best = truth.top.slice(0, 20).map(({ name }) => name)
  const covered = answer.keys.filter(({ name, low, high }) => {
    const share = shareOf.get(name) ?? 0
    return low <= share && share <= high
  })
  return {
    recall: partOf(hot, ([name]) => found.has(name)),
    precision: partOf(answer.keys, (key) => !isCold(key)),
    falseCertain: answer.keys.filter(
      ({ name, isCertain }) => isCertain && (shareOf.get(name) ?? 0) < threshold,
    ).length,
    recall20: partOf(best, (name) => found.has(name)),
    errors: best.flatMap((name) => {
      const key = found.get(name)
      return key ? [Math.abs(key.share / shareOf.get(name)! - 1)] : []
    }),
    covered: covered.length,
    intervals: answer.keys.length,
  }
}

/** 1 of nothing: nothing was missed. */
function partOf<T>(all: readonly T[], isIn: (item: T) => boolean): number {
  return all.length === 0 ? 1 : all.filter(isIn).length / all.length
}
