/** What kept a run from more: the generator, a server, the way between them, or nothing. A figure without it misleads. */
import type { MeasuredRun } from './bench-measures.js'
import { leastAchievedShare, mostHeldBackShare, mostSendLagP99Ms } from './trust.js'

export interface Bottleneck {
  readonly verdict: 'generator' | 'server' | 'network' | 'none' | 'unknown'
  /** Of a server. */
  readonly node?: string
  /** One sentence with its figures. */
  readonly reason: string
}

export interface BottleneckEvidence {
  readonly mode: 'closed' | 'open'
  /** null in a closed loop. */
  readonly achievedShare: number | null
  /** null in a closed loop. */
  readonly sendLagP99Ms: number | null
  /** Of the run's time, that the in-flight bound held due requests back: they are late through no fault of the pacer. */
  readonly heldBackShare: number
  /** Of one core each; empty: not known. */
  readonly threadCpuShares: readonly number[]
  /** Of one core, by node id; null: not known. */
  readonly nodeCpuShares: Readonly<Record<string, number | null>>
  /** The pacers spin: they use a core whatever they do, and only their lag tells. */
  readonly spins: boolean
}

export const busyCpuShare = 0.9

export function bottleneckOf({ counts, measures }: MeasuredRun, options: { spins: boolean }): Bottleneck {
  const meanOf = (shares: readonly (number | null)[]) => {
    const known = shares.filter((share) => share !== null)
    return known.length === 0 ? null : known.reduce((sum, share) => sum + share, 0) / known.length
  }
  return judgeBottleneck({
    mode: counts.mode,
    achievedShare: measures.achievedShare,
    sendLagP99Ms: measures.sendLag?.p99Ms ?? null,
    heldBackShare: measures.seconds > 0 ? measures.heldBackSeconds / measures.seconds : 0,
    threadCpuShares: counts.generator.threadCpuShares,
    nodeCpuShares: Object.fromEntries(
      counts.nodeIds.map((id) => [id, meanOf(counts.series.nodes[id]?.cpuShare ?? [])]),
    ),
    spins: options.spins,
  })
}

export function judgeBottleneck(evidence: BottleneckEvidence): Bottleneck {
  return evidence.mode === 'open' ? judgeOpen(evidence) : judgeClosed(evidence)
}

function judgeClosed({ threadCpuShares, nodeCpuShares }: BottleneckEvidence): Bottleneck {
  const thread = busiestThread(threadCpuShares)
  const server = busiestServer(nodeCpuShares)
  if (thread !== undefined && thread >= busyCpuShare && thread >= (server?.share ?? 0)) {
    return {
      verdict: 'generator',
      reason: `the generator: its busiest thread used ${percent(thread)} of a core${server ? `, the busiest server, ${server.node}, ${percent(server.share)}` : ''}; more --threads on free cores, or another machine, send more`,
    }
  }
  if (server && server.share >= busyCpuShare) return serverBound(server)
  if (thread === undefined || !server) return unknown(thread, server)
  return {
    verdict: 'network',
    reason: `round trips: the busiest generator thread used ${percent(thread)} and the busiest server, ${server.node}, ${percent(server.share)} of a core, the rest was waiting; more --connections or a deeper --pipeline send more`,
  }
}

function judgeOpen(evidence: BottleneckEvidence): Bottleneck {
  const { achievedShare, sendLagP99Ms, heldBackShare, threadCpuShares, spins } = evidence
  const server = busiestServer(evidence.nodeCpuShares)
  if (server && server.share >= busyCpuShare) return serverBound(server)
  const thread = spins ? undefined : busiestThread(threadCpuShares)
  if (sendLagP99Ms !== null && sendLagP99Ms > mostSendLagP99Ms && heldBackShare <= mostHeldBackShare) {
    return {
      verdict: 'generator',
      reason: `the generator: 1 % of its requests left more than ${sendLagP99Ms.toFixed(1)} ms late; it needs a free core or more --threads`,
    }
  }
  if (thread !== undefined && thread >= busyCpuShare) {
    return {
      verdict: 'generator',
      reason: `the generator: its busiest thread used ${percent(thread)} of a core; more --threads on free cores help`,
    }
  }
  const busy = server ? `; the busiest server, ${server.node}, used ${percent(server.share)} of a core` : ''
  if (achievedShare === null || achievedShare >= leastAchievedShare)
    return { verdict: 'none', reason: `nothing: the rate that was asked for was met${busy}` }
  if (!server) return unknown(thread, server)
  return {
    verdict: 'network',
    reason: `waiting: ${percent(achievedShare)} of what was due was done, and neither the generator nor a server was busy${busy}; a server that stalls, or the network, kept requests in flight`,
  }
}

interface BusyServer {
  readonly node: string
  readonly share: number
}

function serverBound({ node, share }: BusyServer): Bottleneck {
  return { verdict: 'server', node, reason: `a server: ${node} used ${percent(share)} of a core` }
}

function unknown(thread: number | undefined, server: BusyServer | undefined): Bottleneck {
  const missing = [
    ...(thread === undefined ? ["the generator's"] : []),
    ...(server ? [] : ["the servers'"]),
  ].join(' and ')
  const known = thread === undefined ? '' : `; the busiest generator thread used ${percent(thread)} of a core`
  return { verdict: 'unknown', reason: `not known: ${missing} CPU could not be read${known}` }
}

function busiestThread(shares: readonly number[]): number | undefined {
  return shares.length === 0 ? undefined : Math.max(...shares)
}

function busiestServer(shares: Readonly<Record<string, number | null>>): BusyServer | undefined {
  let busiest: BusyServer | undefined
  for (const [node, share] of Object.entries(shares)) {
    if (share !== null && share > (busiest?.share ?? -1)) busiest = { node, share }
  }
  return busiest
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
