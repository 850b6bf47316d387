/** `ring status` for people. */
import type { RingStatus, StatusProgress } from '../operations/ring-status.js'
import { printable } from '../printable.js'
import { formatBytes, formatCount, formatPercent, formatSeconds } from './format.js'
import { renderTable } from './table.js'

const meaning: Record<RingStatus['phase'], string> = {
  none: 'no change was made through this store yet',
  stable: 'stable; no change is under way',
  prepare: 'a change is being prepared; no key has moved',
  migrate: 'keys are moving',
}
/** An unfinished change that nobody is at work on, and what can be done about it. */
const standing: Partial<Record<RingStatus['phase'], { where: string; remedy: string }>> = {
  prepare: {
    where: 'a change stands still; no key has moved',
    remedy: '`ring resume` finishes it, `ring abort` takes it back',
  },
  migrate: {
    where: 'a change stands still; its keys have begun to move',
    remedy: '`ring resume` finishes it',
  },
}

export function renderStatus(status: RingStatus): string {
  const { epoch, phase, before, after, clients, journal } = status
  const at = epoch === null ? '' : `epoch ${epoch}, `
  const stands = status.operator === null ? standing[phase] : undefined
  const lines = [
    `ring ${printable(status.topology)}: ${at}${stands?.where ?? meaning[phase]}`,
    `control store: ${printable(status.control)}`,
  ]
  if (before.length > 0) lines.push(`nodes: ${before.map((id) => printable(id)).join(' ')}`)
  if (before.join() !== after.join())
    lines.push(`after the change: ${after.map((id) => printable(id)).join(' ')}`)
  lines.push(...atWork(status, stands?.remedy))
  if (status.progress)
    lines.push(`moved: ${describeProgress(status.progress)}`, ...describeSpeed(status.progress))
  lines.push('', clients.length === 0 ? 'No client follows the store.' : renderClients(clients))
  if (journal.length > 0) {
    lines.push('', 'last steps:')
    for (const each of journal) lines.push(renderStep(each))
  }
  return lines.join('\n')
}

function atWork({ operator, pause }: RingStatus, remedy: string | undefined): string[] {
  const asked = pause && `${printable(pause.by)} since ${secondOf(pause.since)}`
  if (operator !== null) {
    const stopping = asked
      ? [`asked to pause by ${asked}`, 'it stops when the keys under way have moved']
      : []
    return [`at work: ${printable(operator)}`, ...stopping]
  }
  if (remedy === undefined) return []
  return [asked ? `paused by ${asked}` : 'nobody is at work on it', remedy]
}

/** `1,234 of about 3,012 keys (41 %), 1.2 MiB, 512 keys/s, about 4 s left`, without what can't be told. */
export function describeProgress(progress: StatusProgress): string {
  const { movedKeyCount, movedBytes, expectedKeyCount } = progress
  // more than was expected is no share
  const share = expectedKeyCount > 0 && movedKeyCount <= expectedKeyCount
  return [
    share
      ? `${formatCount(movedKeyCount)} of about ${formatCount(expectedKeyCount)} keys (${formatPercent(movedKeyCount / expectedKeyCount, 0)})`
      : `${formatCount(movedKeyCount)} keys`,
    formatBytes(movedBytes),
  ].join(', ')
}

function describeSpeed({ keysPerSec, secondsLeft }: StatusProgress): string[] {
  if (keysPerSec === 0) return []
  const left =
    secondsLeft === null
      ? ''
      : `, about ${secondsLeft < 60 ? `${Math.ceil(secondsLeft)} s` : formatSeconds(secondsLeft)} left`
  return [`speed: ${formatCount(keysPerSec)} keys/s${left}`]
}

function renderClients(clients: RingStatus['clients']): string {
  return renderTable(
    [
      { title: 'client' },
      { title: 'epoch', align: 'right' },
      { title: 'seen', align: 'right' },
      { title: 'where' },
      { title: '' },
    ],
    clients.map(({ id, ackedEpoch, secondsAgo, origin, late }) => [
      printable(id, 14),
      ackedEpoch < 0 ? '–' : String(ackedEpoch),
      `${formatSeconds(secondsAgo)} ago`,
      printable(origin, 26),
      late ? 'does not follow yet' : '',
    ]),
  )
}

const width = 80

/** Milliseconds, and since when its holder works, which the step's own time tells, would not fit. */
function renderStep({ at, step, details }: RingStatus['journal'][number]): string {
  const start = `  ${secondOf(at)}  ${step.padEnd(7)}  `
  const room = width - start.length
  const lines: string[] = []
  for (const [name, value] of Object.entries(details)) {
    const told = `${name} ${printable(String(value).replace(/ since \S+$/, ''), room - name.length - 3)}`
    const last = lines.at(-1)
    if (last !== undefined && last.length + told.length + 3 <= room)
      lines[lines.length - 1] = `${last}, ${told}`
    else lines.push(told)
  }
  return `${start}${lines.join(`,\n${' '.repeat(start.length)}`)}`.trimEnd()
}

function secondOf(iso: string): string {
  return iso.replace(/\.\d+Z$/, 'Z')
}
