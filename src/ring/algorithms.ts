/** What each algorithm accepts and assumes: the one place the schema, the help and the rings read it from. */
import { type Algorithm, type HashName, hashNames } from './topology.js'

const avalanching: readonly HashName[] = ['xxh32', 'murmur3']
const twemproxyHashes = hashNames.filter((name) => !avalanching.includes(name))

/**
 * New rings take an avalanche hash only: crc32 and fnv place points so unevenly that more of them do not help
 * (max/mean 1.42 and 1.14 at 512 points a node, where xxh32 has 1.07).
 */
export function hashesFor(algorithm: Algorithm): readonly HashName[] {
  switch (algorithm) {
    case 'ketama-twemproxy':
    case 'modula-twemproxy':
      return twemproxyHashes
    case 'hashring':
      return ['md5']
    case 'ring':
    case 'maglev':
    case 'rendezvous':
    case 'jump':
      return avalanching
    default:
      return algorithm satisfies never
  }
}

/** twemproxy's own default is fnv1a_64. */
export function defaultHash(algorithm: Algorithm): HashName {
  if (algorithm === 'hashring') return 'md5'
  return algorithm.endsWith('-twemproxy') ? 'fnv1a_64' : 'xxh32'
}

/** Points for a weight of 1 where the topology may choose; ketama's 160 (40 digests of 4) are part of its rule. */
export function defaultPointsPerWeight(algorithm: Algorithm): number {
  return algorithm === 'ring' ? 1000 : 160
}
