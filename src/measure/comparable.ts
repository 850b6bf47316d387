/** Whether two runs asked the same of the same kind of fleet: figures of different questions are no comparison. */
import type { Configuration, RecordedRun, RunIdentity, ServerSettings } from './bench-result.js'

export interface Difference {
  readonly field: string
  readonly before: string
  readonly after: string
}

/** What a run asks of how many nodes; known before it is made. */
export interface RunShape {
  readonly mode: 'closed' | 'open'
  readonly nodeCount: number
  readonly configuration: Configuration
}

export function shapeOf({ counts, configuration }: RecordedRun): RunShape {
  return { mode: counts.mode, nodeCount: counts.nodeIds.length, configuration }
}

/** How long it was measured, and what went before, changes how sure a figure is, not which. */
const lengths: ReadonlySet<string> = new Set(['requests', 'warmup'])

/**
 * Fields in which the runs differ so that a comparison says nothing: how the load was made, and how many nodes took it.
 * The seed is not among them, nor are things like server versions: those are what one compares (`circumstances`).
 */
export function incomparable(before: RunShape, after: RunShape): Difference[] {
  const [a, b] = [before.configuration, after.configuration]
  const fields = new Set([...Object.keys(a), ...Object.keys(b)])
  return [
    ...differ('mode', before.mode, after.mode),
    ...differ('nodes', before.nodeCount, after.nodeCount),
    ...[...fields].flatMap((field) => (lengths.has(field) ? [] : differ(field, a[field], b[field]))),
  ]
}

type NamedIdentity = RunIdentity & { readonly name: string }

/** What else differs, and may be the reason for what is found; in sentences. */
export function circumstances(before: NamedIdentity, after: NamedIdentity): string[] {
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
