/**
 * A hash of whole keys, two UTF-16 units a step. Its multipliers come from the seed: who chooses keys without knowing it
 * cannot choose them so that they collide, and a step shifts, so that what cancels out modulo 2^32 under any multiplier
 * (Thue-Morse texts: Pachocki & Radoszewski, 2013) does not either.
 */
export type KeyHash = (key: string) => number

export function createKeyHash(seed: number): KeyHash {
  const first = mixed(seed ^ 0x9e3779b9) | 1
  const second = mixed(seed ^ 0x85ebca6b) | 1
  return (key) => {
    const { length } = key
    let hash = seed ^ length
    let at = 0
    for (; at + 1 < length; at += 2) {
      hash = Math.imul(hash ^ (key.charCodeAt(at) + Math.imul(key.charCodeAt(at + 1), second)), first)
      hash ^= hash >>> 15
    }
    if (at < length) hash = Math.imul(hash ^ key.charCodeAt(at), first)
    return mixed(hash) >>> 0
  }
}

/** MurmurHash3's last step: every bit of the result hangs on every bit. */
function mixed(bits: number): number {
  let hash = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
