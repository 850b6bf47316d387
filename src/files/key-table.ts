/** Distinct keys numbered in the order they come, as bytes in one piece of shared memory: no string and no object a key. */

export interface KeyTable {
  readonly count: number
  /** The number of the key `bytes[start .. end)`. Throws RangeError beyond 2³² − 1 bytes of names. */
  intern(bytes: Uint8Array, start: number, end: number): number
  /** All names, one after the other; name i ends before `ends[i]`. */
  finish(): { readonly names: Uint8Array; readonly ends: Uint32Array }
}

const maxNameBytes = 2 ** 32 - 1

export function createKeyTable(): KeyTable {
  let names = new Uint8Array(new SharedArrayBuffer(2 ** 20))
  let nameBytes = 0
  let ends = new Uint32Array(new SharedArrayBuffer(4 * 2 ** 14))
  let hashes = new Uint32Array(2 ** 14)
  let count = 0
  /** Key number + 1, or 0; linear probing, at most half full. */
  let slots = new Uint32Array(2 ** 15)

  const rehash = () => {
    slots = new Uint32Array(slots.length * 2)
    const mask = slots.length - 1
    for (let key = 0; key < count; key++) {
      let slot = hashes[key]! & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = key + 1
    }
  }
  const add = (bytes: Uint8Array, start: number, end: number) => {
    const length = end - start
    if (nameBytes + length > maxNameBytes) throw new RangeError('the keys are more than 4 GiB in total')
    if (nameBytes + length > names.length) {
      const capacity = Math.min(maxNameBytes, Math.max(names.length * 2, nameBytes + length))
      const larger = new Uint8Array(new SharedArrayBuffer(capacity))
      larger.set(names)
      names = larger
    }
    for (let at = start; at < end; at++) names[nameBytes++] = bytes[at]!
    if (count === ends.length) {
      const larger = new Uint32Array(new SharedArrayBuffer(8 * count))
      larger.set(ends)
      ends = larger
      const largerHashes = new Uint32Array(2 * count)
      largerHashes.set(hashes)
      hashes = largerHashes
    }
    ends[count] = nameBytes
    count += 1
  }
  return {
    get count() {
      return count
    },
    intern(bytes, start, end) {
      const hash = hashBytes(bytes, start, end)
      const length = end - start
      const mask = slots.length - 1
      let slot = hash & mask
      for (let entry = slots[slot]!; entry !== 0; entry = slots[slot]!) {
        const key = entry - 1
        if (hashes[key] === hash) {
          const nameStart = key === 0 ? 0 : ends[key - 1]!
          if (ends[key]! - nameStart === length && isSame(names, nameStart, bytes, start, length)) return key
        }
        slot = (slot + 1) & mask
      }
      add(bytes, start, end)
      hashes[count - 1] = hash
      slots[slot] = count
      if (count * 2 > slots.length) rehash()
      return count - 1
    },
    finish: () => ({ names: names.subarray(0, nameBytes), ends: ends.subarray(0, count) }),
  }
}

function isSame(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, length: number): boolean {
  for (let at = 0; at < length; at++) if (a[aStart + at] !== b[bStart + at]) return false
  return true
}

/** FNV-1a, then MurmurHash3's finaliser, because FNV's low bits alone make long runs in a table. */
function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
