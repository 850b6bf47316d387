/**
 * The one source of truth of a run, in its own process: the simulated database, or a real one that does the same work, and
 * a version for each key. A load sees
 * the version that is there when its turn comes, a write takes effect when it is answered: both while they are asked for,
 * so that the source is linearizable.
 */
import type { Duplex } from 'node:stream'
import type { Clock } from '../../../clock.js'
import { histogramLength, slotOf, unitsPerMs } from '../../../measure/latency-histogram.js'
import type { SourceCounts } from '../../../measure/run-counts.js'
import type { Random } from '../../../random.js'
import type { SourceOfTruthSpec, SourceWork } from '../../../workload/workload.js'
import { createMemory, source } from '../memory.js'
import { createSourceOfTruth } from '../source-of-truth.js'
import { failedVersion, sourceRequest } from './protocol.js'

export interface SourceServer {
  /** Answers a load process over its socket. */
  serve(socket: Duplex): void
  counts(): SourceCounts
  /** Write-behind: what came of versions that were issued before the source had them. */
  behind(): { readonly lag: ArrayLike<number> }
}

/** `spec` is absent where loads take no time: a fill. */
export function createSourceServer(
  spec: SourceOfTruthSpec | undefined,
  options: {
    readonly keys: number
    readonly clock: Clock
    readonly random: Random
    readonly work?: SourceWork | undefined
  },
): SourceServer {
  const { clock } = options
  const memory = createMemory({ phases: 1, nodes: 0, ops: 0, open: false })
  const { random, work } = options
  const truth =
    spec && createSourceOfTruth(spec, { clock, random, memory, threads: 1, ...(work ? { work } : {}) })
  const versions = new Uint32Array(options.keys)
  const issued = new Uint32Array(options.keys)
  /** Since when the source has not had a key's last version. */
  const waitingSinceMs = new Map<number, number>()
  const lag = new Uint32Array(histogramLength)
  const effects = (kind: number, key: number, detail: number): number => {
    switch (kind) {
      case sourceRequest.write:
        versions[key] = ++issued[key]!
        return versions[key]!
      case sourceRequest.version:
        if (!waitingSinceMs.has(key)) waitingSinceMs.set(key, clock.nowMs())
        return ++issued[key]!
      case sourceRequest.flush: {
        if (detail > versions[key]!) versions[key] = detail
        const nowMs = clock.nowMs()
        lag[slotOf((nowMs - (waitingSinceMs.get(key) ?? nowMs)) * unitsPerMs)]! += 1
        if (versions[key] === issued[key]) waitingSinceMs.delete(key)
        else waitingSinceMs.set(key, nowMs)
        return versions[key]!
      }
      default:
        return versions[key]!
    }
  }
  const run = (kind: number, key: number, detail: number, answer: (version: number) => void) => {
    if (!truth || kind === sourceRequest.version) answer(effects(kind, key, detail))
    else if (kind === sourceRequest.load) {
      let version = 0
      truth.load(
        key,
        detail === 1,
        (error) => answer(error ? failedVersion : version),
        () => {
          version = versions[key]!
        },
      )
    } else truth.write(key, (error) => answer(error ? failedVersion : effects(kind, key, detail)))
  }
  return {
    serve: (socket) => serve(socket, run),
    behind: () => ({ lag }),
    counts: () => ({
      loads: memory.source[source.loads]!,
      duplicateLoads: memory.source[source.duplicates]!,
      maxUnderWay: memory.source[source.mostUnderWay]!,
      queueing: memory.sourceLatencies.subarray(0, histogramLength),
      loading: memory.sourceLatencies.subarray(histogramLength),
    }),
  }
}

type Run = (kind: number, key: number, detail: number, answer: (version: number) => void) => void

function serve(socket: Duplex, run: Run): void {
  let rest: Buffer = Buffer.alloc(0)
  const unsent: number[] = []
  let isOpen = true
  const send = () => {
    const words = Uint32Array.from(unsent.splice(0))
    if (isOpen) socket.write(new Uint8Array(words.buffer))
  }
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    for (; at + sourceRequest.bytes <= bytes.length; at += sourceRequest.bytes) {
      const id = bytes.readUInt32LE(at + 4)
      run(bytes.readUInt32LE(at), bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 12), (version) => {
        if (unsent.length === 0) process.nextTick(send)
        unsent.push(id, version)
      })
    }
    rest = bytes.subarray(at)
  })
  const end = () => {
    isOpen = false
  }
  // a process that goes is told by its exit
  socket.on('error', end)
  socket.on('close', end)
}
