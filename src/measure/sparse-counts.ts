/**
 * A histogram in a few hundred bytes: of each slot that is not empty the distance from the one before and the count, as
 * LEB128 numbers (DWARF 5, 7.6). A second's histogram fills some hundred of several thousand slots.
 */

const most = Number.MAX_SAFE_INTEGER

export function toSparse(counts: ArrayLike<number>): Uint8Array {
  const bytes: number[] = []
  let before = -1
  for (let slot = 0; slot < counts.length; slot++) {
    const count = counts[slot]!
    if (count === 0) continue
    push(bytes, slot - before - 1)
    push(bytes, count)
    before = slot
  }
  return Uint8Array.from(bytes)
}

/** Adds what `toSparse` wrote. Errors: a plain Error for bytes that are no such thing; `into` may be half-changed then. */
export function addSparse(bytes: Uint8Array, into: Float64Array): void {
  let at = 0
  const next = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('a histogram that is cut short')
      value += (byte & 127) * factor
      if (value > most) throw new Error('a histogram with a count that is too large')
      if (byte < 128) return value
    }
  }
  let slot = -1
  while (at < bytes.length) {
    slot += 1 + next()
    if (slot >= into.length) throw new Error(`a histogram with more than ${into.length} slots`)
    into[slot]! += next()
  }
}

function push(bytes: number[], value: number): void {
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  bytes.push(rest)
}
