/** A load process's counts on their way to the process of the run, which has a copy: what has changed since the last time. */
import { cellStart, control, type LoadMemory } from '../memory.js'

const fields = ['latencies', 'outcomes', 'schedule', 'sendLag', 'verified'] as const
type Field = (typeof fields)[number]

export interface MemoryChanges {
  readonly answered: number
  readonly through: number
  readonly changes: readonly {
    readonly field: Field
    readonly at: Uint32Array
    readonly values: Float64Array
  }[]
}

/** Knows what was said last. */
export class MemoryShadow {
  private readonly said: Readonly<Record<Field, Float64Array>>

  constructor(private readonly memory: LoadMemory) {
    const blank = (field: Field) => new Float64Array(memory[field].length)
    this.said = {
      latencies: blank('latencies'),
      outcomes: blank('outcomes'),
      schedule: blank('schedule'),
      sendLag: blank('sendLag'),
      verified: blank('verified'),
    }
  }

  /** Latencies of these phases only: the others do not change, and looking at all takes long where nodes are many. */
  changes(phases: { readonly first: number; readonly last: number }): MemoryChanges {
    const { memory } = this
    const { shape } = memory
    return {
      answered: memory.control[control.answered]!,
      through: memory.control[control.through]!,
      changes: fields.flatMap((field) => {
        const isLatency = field === 'latencies'
        const from = isLatency ? cellStart(shape, Math.max(0, phases.first), 0, 0) : 0
        const to = isLatency ? cellStart(shape, phases.last + 1, 0, 0) : memory[field].length
        const at: number[] = []
        const [now, said] = [memory[field], this.said[field]]
        for (let index = from; index < to; index++) {
          if (now[index] === said[index]) continue
          said[index] = now[index]!
          at.push(index)
        }
        if (at.length === 0) return []
        return [{ field, at: Uint32Array.from(at), values: Float64Array.from(at, (index) => now[index]!) }]
      }),
    }
  }
}

export function applyChanges(memory: LoadMemory, { answered, through, changes }: MemoryChanges): void {
  memory.control[control.answered] = answered
  memory.control[control.through] = through
  for (const { field, at, values } of changes) {
    const into = memory[field]
    for (let index = 0; index < at.length; index++) into[at[index]!] = values[index]!
  }
}
