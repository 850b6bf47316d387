/** `lab …` for people. */
import type { LabNodeState, LabResult } from '../operations/ports.js'
import { printable } from '../printable.js'
import { renderTable } from './table.js'

const meaning: Record<LabNodeState, string> = {
  started: 'started',
  running: 'running',
  stopped: 'stopped',
  stale: 'not running; its record was left by a process that is gone',
  foreign: 'a server that the lab did not start; left alone',
  down: 'not running',
  remote: 'not on this machine',
}

export function renderLab(result: LabResult): string {
  const rows = result.nodes.map(({ id, address, state, pid }) => [
    id,
    printable(address),
    pid === undefined ? '' : `pid ${pid}`,
    meaning[state],
  ])
  const table = renderTable(
    [{ title: 'node' }, { title: 'address' }, { title: '' }, { title: 'state' }],
    rows,
  )
  return result.server ? `${table}\n\nserver: ${result.server}` : table
}
