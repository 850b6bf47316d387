/** Runs a load on worker threads: waits until all are connected, drives the phases, merges what they counted. */
import { Worker } from 'node:worker_threads'
import type { Clock } from '../clock.js'
import { CachectlError, ExitCode } from '../errors.js'
import type { RawCounts } from '../measure/bench-measures.js'
import { histogramLength, mergeCounts } from '../measure/latency-histogram.js'
import type { LoadPort, LoadProgress, LoadRequest, NodeAccess } from '../operations/ports.js'
import { operationNames } from '../workload/requests.js'
import { type LoadJob, type LoadMessage, phase, type SharedLoad } from './load-protocol.js'

const tickMs = 200

export function createLoad(accesses: readonly NodeAccess[], clock: Clock): LoadPort {
  return { run: (request, options) => runLoad({ accesses, clock, request, ...options }) }
}

interface LoadRun {
  readonly accesses: readonly NodeAccess[]
  readonly clock: Clock
  readonly request: LoadRequest
  readonly signal: AbortSignal
  onProgress(progress: LoadProgress): void
}

interface Thread {
  readonly worker: Worker
  readonly shared: SharedLoad
  readonly ready: Promise<void>
  readonly done: Promise<{ seconds: number; errorKinds: Readonly<Record<string, number>> }>
}

async function runLoad(run: LoadRun): Promise<RawCounts> {
  const threads = Array.from({ length: run.request.threads }, (_, index) => startThread(run, index))
  try {
    await Promise.all(threads.map((thread) => thread.ready))
    const results = await Promise.race([
      drive(run, threads),
      Promise.all(threads.map((thread) => thread.done)),
    ])
    return mergeThreads(run, threads, results)
  } finally {
    await Promise.all(threads.map((thread) => thread.worker.terminate()))
  }
}

function startThread({ accesses, request }: LoadRun, index: number): Thread {
  const nodes = accesses.length
  const shared: SharedLoad = {
    control: new Int32Array(new SharedArrayBuffer(8)),
    histograms: new Uint32Array(new SharedArrayBuffer(4 * nodes * operationNames.length * histogramLength)),
    outcomes: new Float64Array(new SharedArrayBuffer(8 * nodes * 3)),
  }
  const portion = (total: number) =>
    Math.floor(total / request.threads) + (index < total % request.threads ? 1 : 0)
  const job: LoadJob = {
    ...request,
    accesses,
    connections: Math.max(1, portion(request.connections)),
    requestLimit: request.requestLimit === 0 ? 0 : Math.max(1, portion(request.requestLimit)),
    part: { index, count: request.threads },
    shared,
  }
  const worker = new Worker(new URL('./load-worker.js', import.meta.url), { workerData: job })
  const messages = <T>(pick: (message: LoadMessage) => T | undefined) =>
    new Promise<T>((resolve, reject) => {
      worker.on('message', (message: LoadMessage) => {
        const picked = pick(message)
        if (picked !== undefined) resolve(picked)
        if (message.kind === 'failed') reject(failure(message))
      })
      worker.once('error', reject)
      worker.once('exit', () => reject(new Error('a load thread ended early')))
    })
  const ready = messages((message) => (message.kind === 'ready' ? true : undefined)).then(() => {})
  const done = messages((message) => (message.kind === 'done' ? message : undefined))
  // whichever is awaited reports the failure; the other must not be an unhandled one
  for (const promise of [ready, done]) promise.catch(() => undefined)
  return { worker, shared, ready, done }
}

function failure(message: Extract<LoadMessage, { kind: 'failed' }>): CachectlError {
  const { exitCode, remedy } = message
  const known = Object.values(ExitCode).find((code) => code === exitCode) ?? ExitCode.bug
  return new CachectlError(message.message, { exitCode: known, ...(remedy ? { remedy } : {}) })
}

/** Warm-up, measurement, stop; an abort stops at once, and what was measured until then counts. */
async function drive({ clock, request, signal, onProgress }: LoadRun, threads: readonly Thread[]) {
  const setPhase = (next: number) => {
    for (const { shared } of threads) {
      Atomics.store(shared.control, 0, next)
      Atomics.notify(shared.control, 0)
    }
  }
  const done = Promise.all(threads.map((thread) => thread.done))
  let isDone = false
  const settled = done.then(
    () => {
      isDone = true
    },
    () => {
      isDone = true
    },
  )
  const pass = async (ms: number, label: 'warm-up' | 'measuring') => {
    const startedMs = clock.nowMs()
    while (!isDone && !signal.aborted) {
      const passedMs = clock.nowMs() - startedMs
      if (passedMs >= ms) return
      await Promise.race([clock.sleep(Math.min(tickMs, ms - passedMs)), settled])
      const answered = threads.reduce((sum, { shared }) => sum + shared.control[1]!, 0)
      onProgress({ label, passedMs: clock.nowMs() - startedMs, answered })
    }
  }
  if (request.warmupMs > 0) {
    setPhase(phase.warmup)
    await pass(request.warmupMs, 'warm-up')
  }
  setPhase(phase.measure)
  await pass(request.durationMs === 0 ? Number.POSITIVE_INFINITY : request.durationMs, 'measuring')
  setPhase(phase.stop)
  return done
}

function mergeThreads(
  { accesses }: LoadRun,
  threads: readonly Thread[],
  results: readonly { seconds: number; errorKinds: Readonly<Record<string, number>> }[],
): RawCounts {
  const histograms = accesses.map((_, node) =>
    operationNames.map((_, op) => {
      const merged = new Float64Array(histogramLength)
      const start = (node * operationNames.length + op) * histogramLength
      for (const { shared } of threads)
        mergeCounts(merged, shared.histograms.subarray(start, start + histogramLength))
      return merged
    }),
  )
  const outcome = (offset: number) =>
    accesses.map((_, node) =>
      threads.reduce((sum, { shared }) => sum + shared.outcomes[node * 3 + offset]!, 0),
    )
  const errorKinds: Record<string, number> = {}
  for (const result of results) {
    for (const [kind, count] of Object.entries(result.errorKinds))
      errorKinds[kind] = (errorKinds[kind] ?? 0) + count
  }
  return {
    seconds: Math.max(...results.map((result) => result.seconds)),
    nodeIds: accesses.map(({ node }) => node.id),
    operationNames,
    histograms,
    hits: outcome(0),
    misses: outcome(1),
    nodeErrors: outcome(2),
    errorKinds,
  }
}
