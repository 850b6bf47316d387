/** `cache dead-letters` for people. */
import type { DeadLettersResult } from '../operations/dead-letters.js'
import { printable } from '../printable.js'
import { formatBytes, formatCount } from './format.js'
import { type Column, renderTable } from './table.js'

const outcomes = {
  retry: { done: 'waits again', gone: 'gone meanwhile', 'newer waits': 'a newer value waits' },
  drop: { done: 'dropped', gone: 'gone meanwhile', 'newer waits': '' },
}

export function renderDeadLetters({ action, letters }: DeadLettersResult): string {
  if (letters.length === 0) return 'no dead letters'
  const columns: Column[] = [
    { title: 'namespace' },
    { title: 'key' },
    { title: 'node' },
    { title: 'age', align: 'right' },
    { title: 'attempts', align: 'right' },
    { title: 'size', align: 'right' },
    { title: action === 'list' ? 'error' : 'outcome' },
  ]
  const rows = letters.map((letter) => [
    printable(letter.namespace, 20),
    printable(letter.key, 40),
    printable(letter.node, 20),
    age(letter.ageMs),
    String(letter.attempts),
    formatBytes(letter.bodyBytes),
    action === 'list' || letter.outcome === undefined
      ? printable(letter.error, 60)
      : outcomes[action === 'retry' ? 'retry' : 'drop'][letter.outcome],
  ])
  const count = `${formatCount(letters.length)} ${letters.length === 1 ? 'dead letter' : 'dead letters'}`
  return [renderTable(columns, rows), '', count].join('\n')
}

function age(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`
}
