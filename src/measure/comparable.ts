/** Whether two runs asked the same of the same kind of fleet: figures of different questions are no comparison. */
import type { RecordedRun, ServerSettings } from './bench-result.js'

export interface Difference {
  readonly field: string
  readonly before: string
  readonly after: string
}

/**
 * Fields in which the runs differ so that a comparison says nothing: how the load was made, and how many nodes took it.
 * The seed is not among them, nor are things like server versions: those are what one compares (`circumstances`).
 */
export function incomparable(before: RecordedRun, after: RecordedRun): Difference[] {
  const fields = new Set([...Object.keys(before.configuration), ...Object.keys(after.configuration)])
  const nodeCount = ({ counts }: RecordedRun) => counts.nodeIds.length
  return [
    ...differ('mode', before.counts.mode, after.counts.mode),
    ...differ('nodes', nodeCount(before), nodeCount(after)),
    ...[...fields].flatMap((field) => differ(field, before.configuration[field], after.configuration[field])),
  ]
}

/** What else differs, and may be the reason for what is found; in sentences. */
export function circumstances(before: RecordedRun, after: RecordedRun): string[] {
  const machines = (['cpu', 'cores', 'memoryBytes', 'platform', 'node'] as const).flatMap((field) =>
    differ(field === 'node' ? 'Node' : field, before.machine[field], after.machine[field]),
  )
  const settings = Object.keys(before.serverSettings).flatMap((id) => {
    const [a, b] = [before.serverSettings[id], after.serverSettings[id]]
    if (!a || !b) return []
    const fields: readonly (keyof ServerSettings)[] = [
      'version',
      'maxmemoryBytes',
      'evictionPolicy',
      'ioThreads',
      'appendOnly',
    ]
    return fields.flatMap((field) => differ(`${id} ${field}`, a[field], b[field]))
  })
  return [
    ...(machines.length > 0 ? [`made on different machines: ${machines.map(describe).join(', ')}`] : []),
    ...(settings.length > 0 ? [`servers differ: ${settings.map(describe).join(', ')}`] : []),
    ...[before, after].flatMap(({ name, interrupted }) => (interrupted ? [`${name} was interrupted`] : [])),
  ]
}

export function describe({ field, before, after }: Difference): string {
  return `${field} ${before} → ${after}`
}

function differ(field: string, before: unknown, after: unknown): Difference[] {
  return before === after
    ? []
    : [{ field, before: String(before ?? 'not set'), after: String(after ?? 'not set') }]
}
