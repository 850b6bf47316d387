/** Austin Appleby's MurmurHash2 with twemproxy's seed (`src/hashkit/nc_murmur.c`) and MurmurHash3 x86_32. */

const m = 0x5bd1e995

/** Seed 0xdeadbeef × length, as twemproxy has it. */
export function murmur2(bytes: Uint8Array, start: number, end: number): number {
  let left = end - start
  let hash = Math.imul(0xdeadbeef, left) ^ left
  let at = start
  for (; left >= 4; left -= 4, at += 4) {
    let k = Math.imul(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24), m)
    k = Math.imul(k ^ (k >>> 24), m)
    hash = Math.imul(hash, m) ^ k
  }
  if (left === 3) hash ^= bytes[at + 2]! << 16
  if (left >= 2) hash ^= bytes[at + 1]! << 8
  if (left >= 1) hash = Math.imul(hash ^ bytes[at]!, m)
  hash = Math.imul(hash ^ (hash >>> 13), m)
  return (hash ^ (hash >>> 15)) >>> 0
}

/** https://github.com/aappleby/smhasher `MurmurHash3_x86_32`. */
export function murmur3(bytes: Uint8Array, start: number, end: number, seed: number): number {
  const length = end - start
  let hash = seed
  let at = start
  for (let left = length >>> 2; left > 0; left--, at += 4) {
    hash ^= mix3(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  const left = length & 3
  if (left > 0) {
    let tail = bytes[at]!
    if (left > 1) tail |= bytes[at + 1]! << 8
    if (left > 2) tail |= bytes[at + 2]! << 16
    hash ^= mix3(tail)
  }
  return avalanche(hash ^ length)
}

function mix3(k: number): number {
  const mixed = Math.imul(k, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}

/** MurmurHash3's finalizer: every input bit reaches every output bit. */
export function avalanche(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
