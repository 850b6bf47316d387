/** `ring show` for people. */

import type { ShownNode, ShownRing } from '../operations/show-ring.js'
import { printable } from '../printable.js'
import { bar, formatBytes, formatCount, formatPercent } from './format.js'
import { type Column, renderTable } from './table.js'

export function renderRing(shown: ShownRing): string {
  const zones = shown.nodes.some((node) => node.zone !== undefined)
  const live = shown.nodes.some((node) => node.facts !== undefined)
  const maxShare = Math.max(...shown.nodes.map((node) => node.share))
  const columns: Column[] = [
    { title: 'node' },
    { title: 'address' },
    { title: 'weight', align: 'right' },
    ...(zones ? [{ title: 'zone' }] : []),
    { title: 'share', align: 'right' },
    { title: '' },
    ...(live
      ? [{ title: 'keys', align: 'right' } as const, { title: 'memory', align: 'right' } as const]
      : []),
  ]
  const rows = shown.nodes.map((node) => [
    node.id,
    printable(node.address, 30),
    String(node.weight),
    ...(zones ? [node.zone ?? ''] : []),
    formatPercent(node.share),
    bar(node.share / maxShare, 12),
    ...(live ? facts(node) : []),
  ])
  const problems = shown.nodes.flatMap(({ id, facts: answer }) => {
    if (answer && !answer.reachable) return [answer.problem]
    return answer?.role === 'replica' ? [`node ${id} is a readonly replica`] : []
  })
  return [renderTable(columns, rows), '', summary(shown), ...problems].join('\n')
}

function facts({ facts: answer }: ShownNode): string[] {
  if (!answer?.reachable) return ['no answer', '']
  const limit = answer.maxmemoryBytes > 0 ? ` of ${formatBytes(answer.maxmemoryBytes)}` : ''
  return [formatCount(answer.keyCount), `${formatBytes(answer.usedMemoryBytes)}${limit}`]
}

function summary({ nodes, ring, maxOverMean }: ShownRing): string {
  const keyCount = nodes.reduce(
    (sum, { facts: answer }) => sum + (answer?.reachable ? answer.keyCount : 0),
    0,
  )
  const points = ring.algorithm === 'ring' ? `, ${formatCount(ring.pointsPerWeight)} points a weight` : ''
  const tag = ring.hashTag === undefined ? '' : `, hash tag ${printable(ring.hashTag)}`
  const keys = nodes.some((node) => node.facts) ? `, ${formatCount(keyCount)} keys` : ''
  const count = `${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}${keys}`
  return [
    `${count}; the fullest node has ${maxOverMean.toFixed(3)} × its due share`,
    `${ring.algorithm} with ${ring.hash}${points}${tag}`,
  ].join('\n')
}
