/** Bob Jenkins' one-at-a-time and lookup3, and Paul Hsieh's SuperFastHash, as twemproxy has them (`src/hashkit/`). */
import type { HashFunction } from './hash-function.js'

/** `signBit`: 0x80 where C's `char` is signed, else 0. */
export function oneAtATime(signBit: number): HashFunction {
  return (bytes, start, end) => {
    let hash = 0
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      hash = (hash + (byte & signBit ? byte - 256 : byte)) | 0
      hash = (hash + (hash << 10)) | 0
      hash ^= hash >>> 6
    }
    hash = (hash + (hash << 3)) | 0
    hash ^= hash >>> 11
    return (hash + (hash << 15)) >>> 0
  }
}

/** Only the last of three trailing bytes is read as a `char`; `signBit` as above. */
export function hsieh(signBit: number): HashFunction {
  return (bytes, start, end) => {
    const length = end - start
    let hash = 0
    let at = start
    for (let left = length >>> 2; left > 0; left--, at += 4) {
      hash = (hash + (bytes[at]! | (bytes[at + 1]! << 8))) | 0
      const next = ((bytes[at + 2]! | (bytes[at + 3]! << 8)) << 11) ^ hash
      hash = (hash << 16) ^ next
      hash = (hash + (hash >>> 11)) | 0
    }
    return finishHsieh(hsiehTail(hash, bytes, at, length & 3, signBit))
  }
}

function hsiehTail(start: number, bytes: Uint8Array, at: number, left: number, signBit: number): number {
  let hash = start
  if (left === 3) {
    const last = bytes[at + 2]!
    hash = (hash + (bytes[at]! | (bytes[at + 1]! << 8))) | 0
    hash ^= hash << 16
    hash ^= (last & signBit ? last - 256 : last) << 18
    return (hash + (hash >>> 11)) | 0
  }
  if (left === 2) {
    hash = (hash + (bytes[at]! | (bytes[at + 1]! << 8))) | 0
    hash ^= hash << 11
    return (hash + (hash >>> 17)) | 0
  }
  if (left === 1) {
    hash = (hash + bytes[at]!) | 0
    hash ^= hash << 10
    return (hash + (hash >>> 1)) | 0
  }
  return hash
}

function finishHsieh(start: number): number {
  let hash = start
  hash ^= hash << 3
  hash = (hash + (hash >>> 5)) | 0
  hash ^= hash << 4
  hash = (hash + (hash >>> 17)) | 0
  hash ^= hash << 25
  return (hash + (hash >>> 6)) >>> 0
}

const initial = 13

/** lookup3 `hashlittle` with twemproxy's initial value 13. */
export function jenkins(bytes: Uint8Array, start: number, end: number): number {
  let left = end - start
  let a = (0xdeadbeef + left + initial) | 0
  let b = a
  let c = a
  if (left === 0) return c >>> 0
  let at = start
  for (; left > 12; left -= 12, at += 12) {
    a = (a + word(bytes, at, 4)) | 0
    b = (b + word(bytes, at + 4, 4)) | 0
    c = (c + word(bytes, at + 8, 4)) | 0
    a = ((a - c) | 0) ^ rotate(c, 4)
    c = (c + b) | 0
    b = ((b - a) | 0) ^ rotate(a, 6)
    a = (a + c) | 0
    c = ((c - b) | 0) ^ rotate(b, 8)
    b = (b + a) | 0
    a = ((a - c) | 0) ^ rotate(c, 16)
    c = (c + b) | 0
    b = ((b - a) | 0) ^ rotate(a, 19)
    a = (a + c) | 0
    c = ((c - b) | 0) ^ rotate(b, 4)
    b = (b + a) | 0
  }
  a = (a + word(bytes, at, Math.min(4, left))) | 0
  b = (b + word(bytes, at + 4, Math.min(4, left - 4))) | 0
  c = (c + word(bytes, at + 8, Math.min(4, left - 8))) | 0
  return finishJenkins(a, b, c)
}

function finishJenkins(a0: number, b0: number, c0: number): number {
  let [a, b, c] = [a0, b0, c0]
  c = ((c ^ b) - rotate(b, 14)) | 0
  a = ((a ^ c) - rotate(c, 11)) | 0
  b = ((b ^ a) - rotate(a, 25)) | 0
  c = ((c ^ b) - rotate(b, 16)) | 0
  a = ((a ^ c) - rotate(c, 4)) | 0
  b = ((b ^ a) - rotate(a, 14)) | 0
  return ((c ^ b) - rotate(b, 24)) >>> 0
}

function word(bytes: Uint8Array, at: number, length: number): number {
  let value = 0
  for (let i = 0; i < length; i++) value |= bytes[at + i]! << (8 * i)
  return value
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
