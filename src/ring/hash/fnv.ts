/**
 * FNV as twemproxy computes it (`src/hashkit/nc_fnv.c`). Its 64-bit variants keep only the low 32 bits in the end, and
 * the low half of a product depends on the low halves alone, so 32-bit arithmetic is exact.
 * `signBit` is 0x80 where C's `char` is signed (the byte is sign-extended), 0 where it is not.
 */
import type { HashFunction } from './hash-function.js'

const init64Low = 0x84222325
const prime64Low = 0x1b3
const init32 = 0x811c9dc5
const prime32 = 0x01000193

export const fnv164 = (signBit: number) => multiplyFirst(init64Low, prime64Low, signBit)
export const fnv1a64 = (signBit: number) => xorFirst(init64Low, prime64Low, signBit)
export const fnv132 = (signBit: number) => multiplyFirst(init32, prime32, signBit)
export const fnv1a32 = (signBit: number) => xorFirst(init32, prime32, signBit)

function multiplyFirst(init: number, prime: number, signBit: number): HashFunction {
  return (bytes, start, end) => {
    let hash = init | 0
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      hash = Math.imul(hash, prime) ^ (byte & signBit ? byte - 256 : byte)
    }
    return hash >>> 0
  }
}

function xorFirst(init: number, prime: number, signBit: number): HashFunction {
  return (bytes, start, end) => {
    let hash = init | 0
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      hash = Math.imul(hash ^ (byte & signBit ? byte - 256 : byte), prime)
    }
    return hash >>> 0
  }
}
