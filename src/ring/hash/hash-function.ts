/** One signature for every hash: bytes `start`…`end` of `bytes` to an unsigned 32-bit position. No allocation. */
export type HashFunction = (bytes: Uint8Array, start: number, end: number) => number
