/**
 * The program of a load process: one cache as an application makes it, and the load that goes through it. It is told what
 * to do over IPC, and asks the run's source of truth over a socket beside that.
 */
import { once } from 'node:events'
import { Socket } from 'node:net'
import { TieredCache } from './cache/cache.js'
import type { Codec } from './cache/codec.js'
import { type CacheOptions, settingsOf } from './cache/options.js'
import { systemClock } from './clock.js'
import { CachectlError, describeError, ExitCode } from './errors.js'
import { parseLoadRequest } from './files/load-request-json.js'
import { loadTopology } from './files/topology-file.js'
import { readTrace } from './files/trace-file.js'
import { openPresentRing, tierOf, trackingOf } from './open-cache.js'
import { createRandom } from './random.js'
import { measureHostNoise } from './redis/load/host-noise.js'
import { toLoadJob } from './redis/load/load-job.js'
import { CacheEngine } from './redis/load/strategy/engine.js'
import { runLoadProcess } from './redis/load/strategy/load-process.js'
import { observeLookups } from './redis/load/strategy/observed-l2.js'
import {
  type CacheLoadOrder,
  type FromLoadProcess,
  sourceDescriptor,
  type ToLoadProcess,
} from './redis/load/strategy/protocol.js'
import { SourceLink } from './redis/load/strategy/source-link.js'
import { StaleReads } from './redis/load/strategy/stale-reads.js'
import { stampVersion } from './redis/load/values.js'
import type { StrategySpec } from './workload/strategy.js'

type Value = Uint8Array

/** Bytes as they are, copied: a part of what came from a socket would keep the whole of it in memory. */
const bytesCodec: Codec<Value> = { id: 64, encode: (value) => value, decode: (bytes) => Buffer.from(bytes) }

// the process of the run decides what Ctrl-C means
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())

try {
  const [order] = await once(process, 'message')
  await run(order)
} catch (error) {
  const ours = error instanceof CachectlError ? error : undefined
  await say({
    kind: 'failed',
    message: ours ? ours.message : describeError(error),
    exitCode: ours?.exitCode ?? ExitCode.bug,
    ...(ours?.remedy ? { remedy: ours.remedy } : {}),
  })
}

async function run(order: CacheLoadOrder): Promise<void> {
  const { strategy, index, run: stamp } = order
  const request = await parseLoadRequest(order.request, readTrace)
  const accesses = request.topology.nodes.map((node) => ({ node }))
  const job = toLoadJob(request, accesses, { index, count: strategy.processes })
  const origin = new SourceLink(new Socket({ fd: sourceDescriptor }))
  const staleReads = new StaleReads({
    others: strategy.processes,
    own: index,
    hasSourceOrder: strategy.kind !== 'write-behind',
  })
  const clock = systemClock
  const engine = new CacheEngine({ job, strategy, run: stamp, origin, staleReads, clock })
  const settings = settingsOf(optionsOf(strategy, engine))
  const file = await loadTopology(order.topologyPath, order.topologyPath)
  const ring = await openPresentRing(file, { tracking: trackingOf(settings) })
  const { l2, journal, hot } = tierOf(ring, settings)
  const cache = new TieredCache<Value>(settings, {
    ...{ l2: observeLookups(l2, clock, engine), journal, hot },
    clock,
    random: createRandom(job.seed + job.part.index + 0xcac4e),
  })
  const reader = strategy.kind === 'aside' ? (key: string) => cache.get(key, engine.load) : undefined
  engine.drive({
    stats: cache.stats,
    get: reader ?? ((key) => cache.get(key)),
    write: writesThrough(strategy)
      ? (key, value) => cache.set(key, value)
      : async (key, value) => {
          await engine.writeSource(key, value)
          await cache.invalidate(key)
        },
    invalidate: (key) => cache.invalidate(key),
  })
  await Promise.all(request.topology.nodes.map(({ id }) => ring.ring.connectionTo(id)))
  await runLoadProcess({
    ...{ job, engine, staleReads, say },
    hostNoise: job.measuresNoise ? measureHostNoise() : { p999Ms: 0, maxMs: 0 },
    settle: async () => {
      const { pending } = cache.stats
      await cache.flush()
      return settings.behind ? { behind: { pending, lag: [] } } : {}
    },
    listen: (take: (message: ToLoadProcess) => void) => process.on('message', take),
  })
  await cache.close()
  await ring.close()
  origin.close()
}

function writesThrough({ kind }: StrategySpec): boolean {
  return kind === 'write-through' || kind === 'write-behind'
}

function optionsOf(strategy: StrategySpec, engine: CacheEngine): CacheOptions<Value> {
  const { namespace, ttlMs, staleMs, jitterShare, earlyBeta, l1 } = strategy
  return {
    namespace,
    ttl: ttlMs,
    stale: staleMs,
    jitter: jitterShare,
    early: earlyBeta > 0 ? earlyBeta : false,
    l1: l1 === 'hot' ? l1 : l1 ? { max: l1.entries, policy: l1.policy } : false,
    codec: bytesCodec,
    ...(strategy.kind === 'aside' ? {} : { load: engine.load }),
    ...(strategy.kind === 'write-behind'
      ? {
          write: async (batch: ReadonlyMap<string, Value | null>) => {
            await Promise.all([...batch].map(([key, value]) => value && engine.flushSource(key, value)))
          },
          behind: {},
        }
      : {}),
    ...(strategy.kind === 'write-through'
      ? {
          write: async (batch: ReadonlyMap<string, Value | null>) => {
            for (const [key, value] of batch) if (value) await engine.writeSource(key, value)
          },
          version: stampVersion,
        }
      : {}),
  }
}

function say(message: FromLoadProcess): Promise<void> {
  return new Promise((resolve) => {
    // whoever is not there any more needs no answer
    process.send?.(message, undefined, {}, () => resolve())
  })
}
