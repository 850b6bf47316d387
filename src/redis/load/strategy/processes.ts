/** The processes of a run through the cache library: started, fed with phases, listened to, and ended with the run. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { toldError } from '../../../errors.js'
import { type CacheCounts, mergeCacheCounts } from '../../../measure/cache-counts.js'
import { createRandom } from '../../../random.js'
import type { StrategySpec } from '../../../workload/strategy.js'
import type { SourceWork } from '../../../workload/workload.js'
import { keyNumbers } from '../keys.js'
import { toLoadJob } from '../load-job.js'
import type { LoadReport } from '../protocol.js'
import type { Generator, Generators, LoadRun } from '../run.js'
import { applyChanges } from './memory-changes.js'
import { type FromLoadProcess, sourceDescriptor, type ToLoadProcess } from './protocol.js'
import { createSourceServer, type SourceServer } from './source-server.js'

export interface LoadProcessesOptions {
  readonly strategy: StrategySpec
  /** The program of a load process. */
  readonly program: URL
  readonly topologyPath: string
  /** The load as text (files/load-request-json.ts). */
  readonly request: string
  /** What a load and a write do in a real database. */
  readonly work?: SourceWork | undefined
}

interface LoadProcess extends Generator {
  readonly child: ChildProcess
  send(message: ToLoadProcess): void
  cache: CacheCounts | undefined
}

/** A process that was told to end and does not is killed after this. */
const endMs = 2_000

export function startLoadProcesses(run: LoadRun, options: LoadProcessesOptions): Generators {
  const { request, clock } = run
  const source = createSourceServer(request.sourceOfTruth, {
    keys: keyNumbers(request.keys),
    clock,
    random: createRandom(request.seed + 0x50b7),
    work: options.work,
  })
  const stamp = (request.seed ^ clock.wallMs()) >>> 0
  const members: LoadProcess[] = []
  const relay = (from: number, message: Extract<FromLoadProcess, { kind: 'acknowledged' }>) => {
    for (const [index, other] of members.entries()) if (index !== from) other.send({ ...message, from })
  }
  for (let index = 0; index < options.strategy.processes; index++)
    members.push(startProcess(run, options, { index, stamp, relay, serve: source.serve }))
  return {
    members,
    extraCounts: () => ({
      cache: withBehind(mergeCacheCounts(members.flatMap(({ cache }) => (cache ? [cache] : []))), source),
      ...(request.sourceOfTruth ? { source: source.counts() } : {}),
    }),
  }
}

/** Lags are the source's to tell: any process may bring what another has put. */
function withBehind(cache: CacheCounts, source: Pick<SourceServer, 'behind'>): CacheCounts {
  return cache.behind ? { ...cache, behind: { ...cache.behind, ...source.behind() } } : cache
}

interface Place {
  readonly index: number
  readonly stamp: number
  relay(from: number, message: Extract<FromLoadProcess, { kind: 'acknowledged' }>): void
  serve(socket: Duplex): void
}

function startProcess(
  { accesses, request }: LoadRun,
  { strategy, program, topologyPath, request: text }: LoadProcessesOptions,
  { index, stamp, relay, serve }: Place,
): LoadProcess {
  const { memory } = toLoadJob(request, accesses, { index, count: strategy.processes })
  const child = fork(program, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc', 'pipe'],
  })
  const socket = child.stdio[sourceDescriptor]
  if (!(socket instanceof Duplex)) throw new Error('a load process without its socket')
  serve(socket)
  let settle: { ready(): void; done(report: LoadReport): void; fail(error: unknown): void }
  const ready = new Promise<void>((resolve, reject) => {
    settle = { ready: resolve, done: () => {}, fail: reject }
  })
  const done = new Promise<LoadReport>((resolve, reject) => {
    const { ready: isReady, fail } = settle
    settle = {
      ready: isReady,
      done: resolve,
      fail: (error) => {
        fail(error)
        reject(error)
      },
    }
  })
  // whichever is awaited reports the failure; the other must not be an unhandled one
  for (const promise of [ready, done]) promise.catch(() => undefined)
  const send = (message: ToLoadProcess) => {
    // one that has gone is told by its exit
    if (child.connected) child.send(message, () => {})
  }
  const self: LoadProcess = {
    ...{ child, memory, ready, done, send },
    cache: undefined,
    setPhase: (phase) => send({ kind: 'phase', phase }),
    end: () => endProcess(child),
  }
  child.on('message', (message: FromLoadProcess) => {
    switch (message.kind) {
      case 'ready':
        return settle.ready()
      case 'counts':
        return applyChanges(memory, message)
      case 'acknowledged':
        return relay(index, message)
      case 'failed':
        return settle.fail(toldError(message))
      case 'done':
        self.cache = message.cache
        return settle.done(message)
      default:
        return message satisfies never
    }
  })
  child.once('error', (error) => settle.fail(error))
  child.once('exit', () => settle.fail(new Error('a load process ended early')))
  send({ kind: 'order', request: text, strategy, topologyPath, index, run: stamp })
  return self
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  const killing = setTimeout(() => child.kill('SIGKILL'), endMs)
  if (child.connected) child.disconnect()
  await exit
  clearTimeout(killing)
}
