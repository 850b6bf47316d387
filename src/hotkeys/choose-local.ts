/** Which hot keys the processes of the library are to serve from their own memory, and why not the others. */
import { readShare } from './read-share.js'

/** Below it a key changes too often: every change is told to every process, and loaded again by one. */
export const minReadShare = 0.95

export interface Candidate {
  /** latin1. */
  readonly name: string
  readonly opsPerSec: number
  /** Above the threshold beyond doubt. */
  readonly isCertain: boolean
  /** Command → share of the key's commands. */
  readonly commands: Readonly<Record<string, number>>
  /** What a report has made of it already. */
  readonly suggestion?: { readonly action: string; readonly reason: string }
}

export interface Choice {
  readonly chosen: readonly Candidate[]
  readonly others: readonly { readonly name: string; readonly reason: string }[]
}

/** So many even out a ring of n nodes: n·ln n (Fan et al., SOCC 2011). */
export function enoughKeys(nodeCount: number): number {
  return Math.max(1, Math.ceil(nodeCount * Math.log(nodeCount)))
}

/** The hottest first. */
export function chooseLocal(candidates: readonly Candidate[], limit: number): Choice {
  const chosen: Candidate[] = []
  const others: { name: string; reason: string }[] = []
  for (const each of [...candidates].sort((a, b) => b.opsPerSec - a.opsPerSec)) {
    const reason =
      unfitness(each) ?? (chosen.length === limit ? `${limit} hotter keys are enough` : undefined)
    if (reason === undefined) chosen.push(each)
    else others.push({ name: each.name, reason })
  }
  return { chosen, others }
}

function unfitness({ isCertain, suggestion, commands }: Candidate): string | undefined {
  if (!isCertain) return 'not certain to be hot'
  if (suggestion)
    return suggestion.action === 'l1'
      ? undefined
      : `suggested: ${suggestion.action} ${suggestion.reason}`.trim()
  const reads = readShare(commands)
  return reads < minReadShare ? `${Math.round((1 - reads) * 100)} % of its commands write` : undefined
}
