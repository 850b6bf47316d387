/**
 * The values of a load. Plain ones are a pattern that repeats; verified ones start with a stamp of 16 bytes: the run, the
 * key's number, the version of the write and a checksum over these and the length. The rest is the same pattern, so that
 * a value read can be looked through without having been kept.
 */

export const stampBytes = 16

const patternBytes = 4096
const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
const pattern = createPattern()

/** Printable, and no better to compress than base64 text, until it repeats. */
function createPattern(): Buffer {
  const made = Buffer.alloc(patternBytes)
  let state = 0x9e3779b9
  for (let at = 0; at < patternBytes; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    made[at] = alphabet[state & 63]!
  }
  return made
}

/** A value of so many bytes, without a stamp. */
export function fillValue(bytes: number): Buffer {
  return Buffer.alloc(bytes, pattern)
}

export interface Stamp {
  readonly run: number
  readonly key: number
  readonly version: number
}

export function writeStamp(out: Uint8Array, at: number, { run, key, version }: Stamp, length: number): void {
  writeWord(out, at, run)
  writeWord(out, at + 4, key)
  writeWord(out, at + 8, version)
  writeWord(out, at + 12, checksum(run, key, version, length))
}

/** The version in a stamp; undefined: none of this run and key. */
export function versionAt(value: Uint8Array, { run, key }: Omit<Stamp, 'version'>): number | undefined {
  const isOurs = value.length >= stampBytes && readWord(value, 0) === run && readWord(value, 4) === key
  return isOurs ? readWord(value, 8) : undefined
}

/** The version in the stamp of a value that has one. */
export function stampVersion(value: Uint8Array): number {
  return readWord(value, 8)
}

export type ValueVerdict =
  | { readonly kind: 'wrong' }
  /** Of another run: only its checksum could be looked at. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'ours'; readonly version: number }

/** What stands in `bytes[start, end)` for a value of this key; one object, used again by the next call. */
export function createReader(
  run: number,
): (bytes: Uint8Array, start: number, end: number, key: number) => ValueVerdict {
  const ours = { kind: 'ours' as const, version: 0 }
  const wrong = { kind: 'wrong' as const }
  const foreign = { kind: 'foreign' as const }
  return (bytes, start, end, key) => {
    const length = end - start
    if (length < stampBytes) return wrong
    const saidRun = readWord(bytes, start)
    const saidKey = readWord(bytes, start + 4)
    ours.version = readWord(bytes, start + 8)
    if (readWord(bytes, start + 12) !== checksum(saidRun, saidKey, ours.version, length)) return wrong
    if (saidKey !== key || !isPattern(bytes, start + stampBytes, end)) return wrong
    return saidRun === run ? ours : foreign
  }
}

/** The pattern goes on where it would be without the stamp. */
function isPattern(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start <= 64) {
    for (let at = start, from = stampBytes; at < end; at++, from++)
      if (bytes[at] !== pattern[from]) return false
    return true
  }
  for (let at = start, from = stampBytes; at < end; from = 0) {
    const part = Math.min(end - at, patternBytes - from)
    if (pattern.compare(bytes, at, at + part, from, from + part) !== 0) return false
    at += part
  }
  return true
}

/** Multiply and mix, as murmur3's last steps: any flipped bit changes about half of it. */
function checksum(run: number, key: number, version: number, length: number): number {
  let hash = Math.imul(run ^ 0x85ebca6b, 0xcc9e2d51)
  hash = Math.imul((hash ^ (hash >>> 15) ^ key) | 0, 0x1b873593)
  hash = Math.imul((hash ^ (hash >>> 13) ^ version) | 0, 0x85ebca6b)
  hash = Math.imul((hash ^ (hash >>> 16) ^ length) | 0, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function writeWord(out: Uint8Array, at: number, word: number): void {
  out[at] = word
  out[at + 1] = word >>> 8
  out[at + 2] = word >>> 16
  out[at + 3] = word >>> 24
}

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}
