/** The library's door: the ring maths for applications. The cache joins it with the cache library. */

export { buildRing } from './ring/build-ring.js'
export type { Ring } from './ring/ring.js'
export type { Address, Algorithm, HashName, NodeSpec, RingSpec, TlsSpec, Topology } from './ring/topology.js'
