/** The library's door: the ring for applications, and its maths. The cache joins it with the cache library. */

export { CachectlError } from './errors.js'
export { openRing } from './open-ring.js'
export { UnknownOutcomeError } from './redis/command-router.js'
export type { RingClient } from './redis/ring-client.js'
export { buildRing } from './ring/build-ring.js'
export type { Ring } from './ring/ring.js'
export type { Address, Algorithm, HashName, NodeSpec, RingSpec, TlsSpec, Topology } from './ring/topology.js'
