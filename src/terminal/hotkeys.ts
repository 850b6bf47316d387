/** Hot keys: the JSON keeps key bytes, the text escapes them. */
import type { HotKeysOutcome } from '../operations/hotkeys/find-hot-keys.js'
import { printable } from '../printable.js'
import { formatCount, formatPercent } from './format.js'
import { renderTable } from './table.js'

export interface HotKeysReport {
  readonly schema: 'cachectl/hotkeys/v1'
  readonly topology: string
  readonly sampledCommands: number
  readonly bursts: number
  readonly seconds: number
  readonly opsPerSec: number
  /** Shares of the most sampled node's main thread: by its own CPU counters, by the cost model, and what was allowed. */
  readonly sampling: {
    readonly measuredCost: number
    readonly estimatedCost: number
    readonly budget: number
  }
  readonly threshold: number
  /** No other key has more than this, at 95 % confidence. */
  readonly upperBound: number
  readonly interrupted: boolean
  readonly keys: readonly {
    readonly key: string
    readonly keyBase64: string
    readonly share: number
    readonly shareLow: number
    readonly shareHigh: number
    readonly opsPerSec: number
    readonly nodes: readonly string[]
    readonly commands: Readonly<Record<string, number>>
  }[]
}

export function toHotKeysReport(
  run: { topology: string; budget: number; threshold: number },
  outcome: HotKeysOutcome,
): HotKeysReport {
  return {
    schema: 'cachectl/hotkeys/v1',
    topology: run.topology,
    sampledCommands: outcome.sampledCommands,
    bursts: outcome.burstCount,
    seconds: outcome.seconds,
    opsPerSec: outcome.ringOpsPerSec,
    sampling: {
      measuredCost: outcome.cost.measured,
      estimatedCost: outcome.cost.modelled,
      budget: run.budget,
    },
    threshold: run.threshold,
    upperBound: outcome.upperBound,
    interrupted: outcome.interrupted,
    keys: outcome.keys.map(({ name, ...rest }) => {
      const bytes = Buffer.from(name, 'latin1')
      return { key: printable(bytes), keyBase64: bytes.toString('base64'), ...rest }
    }),
  }
}

export function renderHotKeys(report: HotKeysReport): string {
  const { sampledCommands, bursts, seconds, opsPerSec, sampling, keys } = report
  const header =
    `${formatCount(sampledCommands)} commands sampled in ${formatCount(bursts)} bursts over ${seconds.toFixed(1)} s ` +
    `of ${formatCount(opsPerSec)} ops/s;\ncost ${formatPercent(sampling.measuredCost, 2)} of a node's time, by the model ${formatPercent(sampling.estimatedCost, 2)} (budget ${formatPercent(sampling.budget)})`
  if (sampledCommands === 0) return `${header}\n\nNo traffic was seen.`
  const bound = formatPercent(report.upperBound, 2)
  if (keys.length === 0)
    return `${header}\n\nNo key above ${formatPercent(report.threshold)} of the traffic (upper bound ${bound}).`
  const rows = keys.map(({ key, share, shareLow, shareHigh, opsPerSec: ops, commands, nodes }) => [
    key.length > 32 ? `${key.slice(0, 31)}…` : key,
    formatPercent(share, 2),
    `${(shareLow * 100).toFixed(2)} – ${(shareHigh * 100).toFixed(2)}`,
    formatCount(ops),
    mix(commands),
    nodes.join(','),
  ])
  const table = renderTable(
    [
      { title: 'key' },
      { title: 'share', align: 'right' },
      { title: '95 % interval', align: 'right' },
      { title: 'ops/s', align: 'right' },
      { title: 'mix' },
      { title: 'nodes' },
    ],
    rows,
  )
  return `${header}\n\n${table}\n\nNo other key has more than ${bound}.`
}

function mix(commands: Readonly<Record<string, number>>): string {
  return Object.entries(commands)
    .slice(0, 2)
    .map(([command, share]) => `${printable(command.toUpperCase(), 12)} ${Math.round(share * 100)}`)
    .join(' ')
}
