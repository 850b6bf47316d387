/** CRCs as twemproxy computes them (`src/hashkit/nc_crc16.c`, `nc_crc32.c`), with its two peculiarities. */

const table16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc & 0xffff
})

const table32 = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc >>> 0
})

/** The register is 32 bits wide and never masked to 16: not Redis Cluster's slot function. */
export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0
  for (let at = start; at < end; at++) crc = (crc << 8) ^ table16[((crc >>> 8) ^ bytes[at]!) & 0xff]!
  return crc >>> 0
}

/** zlib's CRC-32. */
export function crc32a(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1
  for (let at = start; at < end; at++) crc = (crc >>> 8) ^ table32[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}

/** Only 15 bits, so that a ketama ring sends every key to one node (twemproxy issue 175). */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  return (crc32a(bytes, start, end) >>> 16) & 0x7fff
}
