/** `ring status` for people. */
import type { RingStatus } from '../operations/ring-status.js'
import { printable } from '../printable.js'
import { formatSeconds } from './format.js'
import { renderTable } from './table.js'

const meaning: Record<RingStatus['phase'], string> = {
  none: 'no change was made through this store yet',
  stable: 'stable; no change is under way',
  prepare: 'a change is being prepared: `ring resume` finishes it, `ring abort` takes it back',
  migrate: 'keys are moving: `ring resume` finishes it',
}

export function renderStatus(status: RingStatus): string {
  const { epoch, phase, before, after, clients, journal } = status
  const lines = [
    `ring ${status.topology}: ${epoch === null ? '' : `epoch ${epoch}, `}${meaning[phase]}`,
    `control store: ${printable(status.control)}`,
  ]
  if (before.length > 0) lines.push(`nodes: ${before.map((id) => printable(id)).join(' ')}`)
  if (before.join() !== after.join())
    lines.push(`after the change: ${after.map((id) => printable(id)).join(' ')}`)
  lines.push('', clients.length === 0 ? 'No client follows the store.' : renderClients(clients))
  if (journal.length > 0) {
    lines.push('', 'last steps:')
    for (const { at, step, details } of journal) {
      const told = Object.entries(details).map(([name, value]) => `${name} ${printable(String(value))}`)
      lines.push(`  ${at}  ${step.padEnd(8)}  ${told.join(', ')}`.trimEnd())
    }
  }
  return lines.join('\n')
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
      printable(id, 20),
      ackedEpoch < 0 ? '–' : String(ackedEpoch),
      `${formatSeconds(secondsAgo)} ago`,
      printable(origin, 40),
      late ? 'does not follow yet' : '',
    ]),
  )
}
