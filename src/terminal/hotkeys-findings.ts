/** What to do about hot keys, and what was found beside them. */
import type { HotKeysReport } from '../hotkeys/report.js'
import type { ReportedKey } from '../hotkeys/reported-key.js'
import { printable } from '../printable.js'
import { cutMiddle } from './fit.js'
import { formatCount, formatPercent, wrapText } from './format.js'

const keyColumns = 32
const mostNames = 3

/** A line for each thing to do, with the reason of the hottest key; those of the others are in the JSON. */
export function suggestionsBlock({ keys, missing }: HotKeysReport, columns: number): string {
  // a finding of its own says what to do about those
  const told = new Set(missing.map(({ key }) => key))
  const groups = new Map<string, ReportedKey[]>()
  for (const each of keys) {
    const { action } = each.suggestion
    if (action !== 'none' && !told.has(each.key)) groups.set(action, [...(groups.get(action) ?? []), each])
  }
  return [...groups]
    .flatMap(([action, [first, ...others]]) => {
      if (!first) return []
      const likewise = others.length === 0 ? '' : `; likewise ${listOf(others.map(({ key }) => name(key)))}`
      const text = `${action}  ${name(first.key)}: ${printable(first.suggestion.reason)}${likewise}`
      return [wrapText(text, columns, 4)]
    })
    .join('\n')
}

/** Keys that are not there, commands without keys, and commands at the wrong node. */
export function findingsBlock(report: HotKeysReport, columns: number): string {
  return [missingText(report), keylessText(report), ...misplacedTexts(report)]
    .filter((text) => text !== '')
    .map((text) => wrapText(text, columns, 4))
    .join('\n')
}

function missingText({ missing }: HotKeysReport): string {
  if (missing.length === 0) return ''
  const perSec = missing.reduce((sum, { opsPerSec }) => sum + opsPerSec, 0)
  const names =
    missing.length === 1
      ? [name(missing[0]!.key)]
      : missing.map(({ key, opsPerSec }) => `${name(key)} (${formatCount(opsPerSec)}/s)`)
  const they = missing.length === 1 ? 'it is' : 'they are'
  return `Asked for ${formatCount(perSec)} times/s and not there: ${listOf(names)}; let clients remember that ${they} absent.`
}

function keylessText({ keyless }: HotKeysReport): string {
  if (keyless.length === 0) return ''
  const texts = keyless.map(
    ({ node, command, share, opsPerSec }) =>
      `${printable(command.toUpperCase(), 24)} ${formatPercent(share)} of ${printable(node, keyColumns)} (${formatCount(opsPerSec)}/s)`,
  )
  return `Hot commands without keys: ${listOf(texts)}; they stay with the nodes that clients send them to.`
}

function misplacedTexts({ misplaced }: HotKeysReport): string[] {
  if (misplaced.nodes.length === 0) return []
  const shares = misplaced.nodes.map(
    ({ node, share }) => `${formatPercent(share)} at ${printable(node, keyColumns)}`,
  )
  const examples = misplaced.keys.map(
    ({ key, node, owner }) =>
      `${name(key)} at ${printable(node, keyColumns)} is owned by ${printable(owner, keyColumns)}`,
  )
  return [`Asked of the wrong node (a client with an old topology?): ${listOf(shares)}; ${listOf(examples)}.`]
}

function name(key: string): string {
  return cutMiddle(key, keyColumns)
}

function listOf(texts: readonly string[]): string {
  const rest = texts.length - mostNames
  return [...texts.slice(0, mostNames), ...(rest > 0 ? [`${formatCount(rest)} more`] : [])].join(', ')
}
