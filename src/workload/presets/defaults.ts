/** What no source says: how long a preset is measured, how fast, and from which state. Flags override it. */
import type { Workload } from '../workload.js'

export const presetDefaults = {
  ttl: { parts: [], jitter: 0 },
  fill: true,
  warmup: { kind: 'time', ms: 5_000 },
  phases: [{ name: 'measure', durationMs: 10_000, rate: { kind: 'max' }, hotShift: 0 }],
  gates: [],
} as const satisfies Partial<Workload>

export const presetKeyCount = 100_000
