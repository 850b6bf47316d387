/**
 * Jump consistent hash (Lamping & Veach 2014, arXiv:1406.2294). Buckets have numbers, not names: only the last node of
 * the file can join or leave without moving keys between others. A weight of w is w buckets.
 */
import type { Placement } from './ring.js'
import type { Topology } from './topology.js'

const multiplierHigh = 0x27bb2ee6
const multiplierLow = 0x87b0b0fd

export function placeJump({ nodes }: Topology): Placement {
  const buckets = Uint16Array.from(nodes.flatMap((node, index) => Array<number>(node.weight).fill(index)))
  const shares = Float64Array.from(nodes, (node) => node.weight / buckets.length)
  return {
    kind: 'function',
    ownerAt: (position) => buckets[jump(position, buckets.length)]!,
    shares,
    walk: (position) => {
      const first = jump(position, buckets.length)
      return Array.from(buckets, (_, i) => buckets[(first + i) % buckets.length]!)
    },
  }
}

/**
 * The paper's loop with its 64-bit generator `key = key × 2862933555777941757 + 1` on two 32-bit halves:
 * BigInt costs ten times as much.
 */
export function jump(key: number, bucketCount: number): number {
  let high = 0
  let low = key >>> 0
  let bucket = -1
  let next = 0
  while (next < bucketCount) {
    bucket = next
    const product =
      Math.imul(low, multiplierHigh) + Math.imul(high, multiplierLow) + multiplyHigh(low, multiplierLow)
    const newLow = (Math.imul(low, multiplierLow) >>> 0) + 1
    low = newLow >>> 0
    high = (product + (newLow > 0xffffffff ? 1 : 0)) >>> 0
    next = Math.floor((bucket + 1) * (2147483648 / ((high >>> 1) + 1)))
  }
  return bucket
}

/** The high 32 bits of an unsigned 32 × 32 product. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16
  const aLow = a & 0xffff
  const bHigh = b >>> 16
  const bLow = b & 0xffff
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  const carry = aLow * bHigh + (middle % 65_536)
  return (aHigh * bHigh + Math.floor(middle / 65_536) + Math.floor(carry / 65_536)) >>> 0
}
