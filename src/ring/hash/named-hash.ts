/** The hashes by the names that topologies use. */
import type { HashName } from '../topology.js'
import { crc16, crc32, crc32a } from './crc.js'
import { fnv1a32, fnv1a64, fnv132, fnv164 } from './fnv.js'
import type { HashFunction } from './hash-function.js'
import { hsieh, jenkins, oneAtATime } from './jenkins.js'
import { murmur2, murmur3 } from './murmur.js'
import { xxh32 } from './xxh32.js'

/**
 * The function of a topology's hash name.
 * `charSign` is the sign of C's `char` where twemproxy runs; only fnv*, one_at_a_time and hsieh depend on it.
 */
export function hashFunction(name: HashName, charSign: 'signed' | 'unsigned'): HashFunction {
  const signBit = charSign === 'signed' ? 0x80 : 0
  switch (name) {
    case 'xxh32':
      return (bytes, start, end) => xxh32(bytes, start, end, 0)
    case 'murmur3':
      return (bytes, start, end) => murmur3(bytes, start, end, 0)
    case 'murmur':
      return murmur2
    case 'md5':
      return md5
    case 'crc16':
      return crc16
    case 'crc32':
      return crc32
    case 'crc32a':
      return crc32a
    case 'jenkins':
      return jenkins
    case 'fnv1_64':
      return fnv164(signBit)
    case 'fnv1a_64':
      return fnv1a64(signBit)
    case 'fnv1_32':
      return fnv132(signBit)
    case 'fnv1a_32':
      return fnv1a32(signBit)
    case 'one_at_a_time':
      return oneAtATime(signBit)
    case 'hsieh':
      return hsieh(signBit)
    default:
      return name satisfies never
  }
}

/** The first four bytes of the digest, little-endian: ketama's rule for keys (twemproxy `nc_md5.c`, libketama). */
function md5(bytes: Uint8Array, start: number, end: number): number {
  return md5Points(bytes.subarray(start, end)).readUInt32LE(0)
}

/** The 16 bytes of an MD5 digest: four points of a ketama ring, each four bytes little-endian. */
export function md5Points(label: Uint8Array | string): Buffer {
  // loaded when first needed: it costs every start of a command that hashes no MD5
  return process.getBuiltinModule('node:crypto').createHash('md5').update(label).digest()
}
