/** The library's door: the cache and the ring for applications, and the ring's maths. */

export type { Cache } from './cache/cache.js'
export { PoisonError } from './cache/call-writer.js'
export type { Codec } from './cache/codec.js'
export { bufferCodec } from './cache/codecs/buffer.js'
export { type CompressedOptions, type Compression, compressed } from './cache/codecs/compressed.js'
export { jsonCodec } from './cache/codecs/json.js'
export { type Consistency, type ConsistencyCounts, consistencyOf } from './cache/consistency.js'
export type { Ms } from './cache/durations.js'
export type { CacheLook, TierLook } from './cache/look.js'
export type {
  BehindOptions,
  CacheEvents,
  LoadContext,
  Loader,
  ManyLoader,
  SourceWriter,
  WriteContext,
} from './cache/options.js'
export type { CacheStats } from './cache/stats.js'
export type { CacheTimings, TimedPart } from './cache/timings.js'
export {
  createVerifier,
  type Difference,
  type Verdict,
  type Verifier,
  type VerifierOptions,
} from './cache/verify.js'
export { CachectlError } from './errors.js'
export { type CreateCacheOptions, createCache, openCacheRing, type RingSource } from './open-cache.js'
export { openRing } from './open-ring.js'
export type { CacheRing } from './redis/cache-ring.js'
export { UnknownOutcomeError } from './redis/command-router.js'
export type { RingClient } from './redis/ring-client.js'
export { buildRing } from './ring/build-ring.js'
export type { Ring } from './ring/ring.js'
export type { Address, Algorithm, HashName, NodeSpec, RingSpec, TlsSpec, Topology } from './ring/topology.js'
