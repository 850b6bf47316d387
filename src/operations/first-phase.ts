/** What a search for a rate and turns of two sides measure of a workload. */
import type { PhaseSpec } from '../workload/workload.js'

/** Warnings: what the workload has beyond it. */
export function beyondFirstPhase(phases: readonly PhaseSpec[]): string[] {
  const [first, ...others] = phases
  if (others.length === 0) return []
  return [
    `only the first of ${phases.length} phases is measured: ${first!.name}, not ${others.map(({ name }) => name).join(', ')}`,
  ]
}
