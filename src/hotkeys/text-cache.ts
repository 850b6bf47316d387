/**
 * Bytes to text, the same string for the same bytes where it can: most of what a stream says it says again. Direct-mapped:
 * what meets in a slot takes turns in it.
 */

/** Longer texts are not kept, which bounds the memory. */
const longestKept = 64

export class TextCache {
  private readonly slots: (string | undefined)[]
  private readonly mask: number

  /** `size`: a power of two. */
  constructor(size: number) {
    this.slots = new Array(size).fill(undefined)
    this.mask = size - 1
  }

  /** `hash` of those bytes, by `mix`. */
  latin1(bytes: Buffer, start: number, end: number, hash: number): string {
    const slot = (hash ^ (hash >>> 15)) & this.mask
    const kept = this.slots[slot]
    if (kept !== undefined && isSame(kept, bytes, start, end)) return kept
    const text = bytes.toString('latin1', start, end)
    if (end - start <= longestKept) this.slots[slot] = text
    return text
  }
}

export const hashStart = 0x811c9dc5

/** FNV-1a, one byte. */
export function mix(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193)
}

function isSame(text: string, bytes: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false
  for (let index = 0; index < text.length; index++)
    if (text.charCodeAt(index) !== bytes[start + index]) return false
  return true
}
