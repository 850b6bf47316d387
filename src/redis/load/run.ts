/** Runs a load on worker threads or processes: waits until all are connected, drives the phases, merges what they counted. */
import { Worker } from 'node:worker_threads'
import type { Clock } from '../../clock.js'
import { toldError } from '../../errors.js'
import type { RunCounts } from '../../measure/run-counts.js'
import type { LoadInterval, LoadPort, LoadProgress, LoadRequest, NodeAccess } from '../../operations/ports.js'
import { keyNumbers } from './keys.js'
import { toLoadJob } from './load-job.js'
import { control, type LoadMemory, phaseCode } from './memory.js'
import { mergeThreads, warmupAnswers } from './merge.js'
import { watchNodes } from './node-watch.js'
import type { LoadJob, LoadReport, ThreadMessage } from './protocol.js'
import { Sampler } from './sampler.js'
import { createVersionMemory, type VersionMemory } from './versions.js'
import { isSteady } from './warm-up.js'

const tickMs = 500
const scheduleTickMs = 2
const scheduleGraceMs = 1_000

export function createLoad(accesses: readonly NodeAccess[], clock: Clock): LoadPort {
  return { run: (request, options) => runLoad({ accesses, clock, request, ...options }, startThreads) }
}

export interface LoadRun {
  readonly accesses: readonly NodeAccess[]
  readonly clock: Clock
  readonly request: LoadRequest
  readonly signal: AbortSignal
  onProgress(progress: LoadProgress): void
  onInterval?(interval: LoadInterval): void
  beforeStart?(): Promise<void>
}

/** A thread or a process that sends a part of the load. */
export interface Generator {
  /** What it has counted, now or a moment ago. */
  readonly memory: LoadMemory
  readonly ready: Promise<void>
  readonly done: Promise<LoadReport>
  /** A phase's number, or a `phaseCode`. */
  setPhase(phase: number): void
  end(): Promise<unknown>
}

/** One that can rest in the middle of a run. */
export interface Thread extends Generator {
  /** Of the next turn that ends, for how many seconds requests were under way; undefined: the load is over. */
  rested(): Promise<number | undefined>
}

export interface Generators {
  readonly members: readonly Generator[]
  /** What stands beside their memories when all are done. */
  extraCounts?(): Pick<RunCounts, 'cache' | 'source'>
}

export async function runLoad(
  run: LoadRun,
  start: (run: LoadRun) => Generators | Promise<Generators>,
): Promise<RunCounts> {
  const { accesses, clock, request } = run
  const { members: threads, extraCounts } = await start(run)
  const watch = request.watchNodes ? await watchNodes(accesses, clock) : undefined
  const sampler = new Sampler({
    memories: threads.map(({ memory }) => memory),
    nodeIds: accesses.map(({ node }) => node.id),
    phases: request.phases,
    share: 1 / (request.share?.count ?? 1),
    clock,
    watch,
    ...(run.onInterval ? { onInterval: run.onInterval } : {}),
  })
  try {
    await Promise.all(threads.map((thread) => thread.ready))
    await run.beforeStart?.()
    const warmup = await drive(run, threads, sampler)
    const reports = await Promise.all(threads.map((thread) => thread.done))
    sampler.end()
    return {
      ...mergeThreads(run, threads, reports),
      ...extraCounts?.(),
      warmup: {
        ...warmup,
        seconds: reports[0]?.phaseSeconds[0] ?? 0,
        answered: warmupAnswers(threads),
      },
      series: sampler.series,
    }
  } finally {
    watch?.close()
    await Promise.all(threads.map((thread) => thread.end()))
  }
}

export function startThreads(run: Pick<LoadRun, 'accesses' | 'clock' | 'request'>): { members: Thread[] } {
  const { clock, request } = run
  const { verify, seed, threads: count, share } = request
  const versions = verify
    ? createVersionMemory(
        keyNumbers(request.keys),
        (seed ^ clock.wallMs() ^ Math.imul(share?.index ?? 0, 0x9e3779b1)) >>> 0,
      )
    : undefined
  return { members: Array.from({ length: count }, (_, index) => startThread(run, index, versions)) }
}

function startThread(
  { accesses, request }: Pick<LoadRun, 'accesses' | 'request'>,
  index: number,
  versions?: VersionMemory,
): Thread {
  const job: LoadJob = {
    ...toLoadJob(request, accesses, { index, count: request.threads }),
    ...(versions ? { versions } : {}),
  }
  const { memory } = job
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: job })
  const messages = <T>(pick: (message: ThreadMessage) => T | undefined) =>
    new Promise<T>((resolve, reject) => {
      worker.on('message', (message: ThreadMessage) => {
        const picked = pick(message)
        if (picked !== undefined) resolve(picked)
        if (message.kind === 'failed') reject(toldError(message))
      })
      worker.once('error', reject)
      worker.once('exit', () => reject(new Error('a load thread ended early')))
    })
  const ready = messages((message) => (message.kind === 'ready' ? true : undefined)).then(() => {})
  const done = messages((message) => (message.kind === 'done' ? message : undefined))
  let onRest: (seconds: number) => void = () => {}
  worker.on('message', (message: ThreadMessage) => {
    if (message.kind === 'resting') onRest(message.seconds)
  })
  const over = done.then(() => undefined)
  over.catch(() => undefined)
  // whichever is awaited reports the failure; the other must not be an unhandled one
  for (const promise of [ready, done]) promise.catch(() => undefined)
  return {
    memory,
    ready,
    done,
    setPhase(phase) {
      Atomics.store(memory.control, control.phase, phase)
      Atomics.notify(memory.control, control.phase)
      worker.postMessage(phase)
    },
    rested: () => {
      const next = new Promise<number>((resolve) => {
        onRest = resolve
      })
      return Promise.race([next, over])
    },
    end: () => worker.terminate(),
  }
}

/** Warm-up, the measured phases, stop; an abort stops at once, and what was measured until then counts. */
async function drive(
  run: LoadRun,
  threads: readonly Generator[],
  sampler: Sampler,
): Promise<{ steady?: boolean }> {
  const { clock, request, signal, onProgress } = run
  const { warmup, phases } = request
  const setPhase = (next: number) => {
    for (const thread of threads) thread.setPhase(next)
  }
  let isDone = false
  const settled = Promise.all(threads.map((thread) => thread.done)).then(
    () => {
      isDone = true
    },
    () => {
      isDone = true
    },
  )
  /** Until the time is over, or all threads are, or `isEnough` says so. */
  const pass = async (ms: number, label: string, isEnough = () => false) => {
    const startedMs = clock.nowMs()
    const limitMs = ms === 0 ? Number.POSITIVE_INFINITY : ms
    while (!isDone && !signal.aborted) {
      const passedMs = clock.nowMs() - startedMs
      if (passedMs >= limitMs || isEnough()) return
      await Promise.race([
        clock.sleep(Math.max(0, Math.min(tickMs, limitMs - passedMs, sampler.untilNextMs()))),
        settled,
      ])
      sampler.tick()
      const answered = threads.reduce((sum, { memory }) => sum + memory.control[control.answered]!, 0)
      onProgress({ label, passedMs: clock.nowMs() - startedMs, answered, series: sampler.series })
    }
  }
  let steady: boolean | undefined
  if (warmup.kind === 'detect' || warmup.ms > 0) {
    setPhase(0)
    const seconds = sampler.warmUp()
    if (warmup.kind === 'time') await pass(warmup.ms, 'warm-up')
    else {
      await pass(warmup.maxMs, 'warm-up', () => isSteady(seconds))
      steady = isSteady(seconds)
    }
  }
  for (const [index, { name, durationMs, rate }] of phases.entries()) {
    if (isDone || signal.aborted) break
    setPhase(index + 1)
    sampler.enter(index)
    await pass(durationMs, phases.length > 1 ? `phase ${name}` : 'measuring')
    // a thread began its schedule a little later, and is given the time to end it
    const isThrough = () =>
      threads.every(({ memory }) => Atomics.load(memory.control, control.through) > index)
    const graceMs = rate.kind === 'max' || durationMs === 0 ? 0 : scheduleGraceMs
    for (
      let waitedMs = 0;
      waitedMs < graceMs && !isThrough() && !isDone && !signal.aborted;
      waitedMs += scheduleTickMs
    )
      await clock.sleep(scheduleTickMs)
  }
  setPhase(signal.aborted ? phaseCode.abort : phaseCode.stop)
  return steady === undefined ? {} : { steady }
}
