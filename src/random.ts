/** Chance as an argument: a seeded generator, so that every run that prints its seed can be repeated. */
import { randomInt } from 'node:crypto'

export interface Random {
  readonly seed: number
  /** Uniform in [0, 1), 32 bits of resolution. */
  next(): number
  /** Uniform unsigned 32-bit integer. */
  uint32(): number
  /** Uniform integer in [0, bound), bound ≤ 2^32. */
  below(bound: number): number
}

/** sfc32 (PractRand; Chris Doty-Humphrey), seeded by splitmix32 and warmed up by 12 draws. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const splitmix = () => {
    state = (state + 0x9e3779b9) | 0
    let z = state ^ (state >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    return z ^ (z >>> 15)
  }
  let a = splitmix()
  let b = splitmix()
  let c = splitmix()
  let counter = 1
  const uint32 = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return sum >>> 0
  }
  for (let i = 0; i < 12; i++) uint32()
  return {
    seed: seed >>> 0,
    uint32,
    next: () => uint32() / 4294967296,
    below: (bound) => Math.floor((uint32() / 4294967296) * bound),
  }
}

/** A fresh seed for a run that was not given one; the run prints it. */
export function freshSeed(): number {
  return randomInt(2 ** 31)
}
