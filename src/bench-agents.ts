/** Wiring of a load that several machines generate: the coordinator's side and the agents'. */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { availableParallelism, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from './clock.js'
import { formatGeneratorRun, parseGeneratorRun } from './files/generator-run-json.js'
import { formatLoadRequest, parseLoadRequest } from './files/load-request-json.js'
import { packText, unpackText } from './files/packed-text.js'
import { readAccess } from './files/secrets.js'
import type { TopologyFile } from './files/topology-file.js'
import type { ControlSpec } from './files/topology-schema.js'
import { readTrace, type Trace } from './files/trace-file.js'
import { controlOf, openMeeting } from './open-control.js'
import { type AgentLoad, openAgentLoad } from './operations/agents/agent-load.js'
import type { LoadTextsPort } from './operations/agents/ports.js'
import { type AgentOutcome, serveAgent } from './operations/agents/serve-agent.js'
import type { ProgressPort } from './operations/ports.js'
import { printable } from './printable.js'
import { createLoad } from './redis/load/run.js'

export interface BenchAgentsOptions {
  readonly file: TopologyFile
  readonly count: number
  readonly timeoutMs: number
  /** Of cachectl: agents of another one are left alone. */
  readonly version: string
  readonly tracePath?: string
  readonly signal: AbortSignal
  readonly progress: ProgressPort
}

/** The coordinator's side. Errors: `unreachable` where too few agents come. */
export async function openBenchAgents(options: BenchAgentsOptions): Promise<AgentLoad> {
  const { file, version, count, timeoutMs, tracePath, signal, progress } = options
  const { control, folder } = controlOf(file)
  const meeting = await openMeeting(control, folder)
  const joinUrl = control.url.startsWith('file:') ? `file:${meeting.place}` : control.url
  try {
    const load = await openAgentLoad(
      { session: freshName(), count, timeoutMs, version, joinUrl: printable(joinUrl) },
      { meeting, clock: systemClock, texts: createLoadTexts(tracePath), signal, progress },
    )
    const close = async () => {
      await load.close()
      await meeting.close()
    }
    return { run: load.run, close }
  } catch (error) {
    await meeting.close()
    throw error
  }
}

export interface BenchAgentOptions {
  readonly control: ControlSpec
  /** Of cachectl. */
  readonly version: string
  readonly once: boolean
  /** Where what it counted is kept, a file each load. */
  readonly outFolder?: string | undefined
  readonly signal: AbortSignal
  tell(line: string): void
}

export interface BenchAgentResult extends AgentOutcome {
  readonly schema: 'cachectl/agent/v1'
  readonly name: string
}

/** An agent's side, until the signal or, with `once`, the end of a run. Errors: `unreachable` where the store is not there. */
export async function runBenchAgent(options: BenchAgentOptions): Promise<BenchAgentResult> {
  const { control, version, once, outFolder, signal, tell } = options
  const meeting = await openMeeting(control, process.cwd())
  const id = `${hostname()
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .slice(0, 80)}-${process.pid}-${freshName().slice(0, 4)}`
  const identity = { id, cores: availableParallelism(), version, node: process.version }
  try {
    const outcome = await serveAgent(
      identity,
      { once },
      {
        meeting,
        clock: systemClock,
        texts: createLoadTexts(),
        signal,
        tell,
        createLoad: async (nodes) => createLoad(await readAccess(nodes, process.env), systemClock),
        ...(outFolder === undefined
          ? {}
          : { keep: (name, run) => writeFile(join(outFolder, `${name}.json`), formatGeneratorRun(run)) }),
      },
    )
    return { schema: 'cachectl/agent/v1', name: id, ...outcome }
  } finally {
    await meeting.close()
  }
}

/** `tracePath`: of the loads that are sent. The trace of the loads that come is read once. */
function createLoadTexts(tracePath?: string): LoadTextsPort {
  let known: { path: string; trace: Promise<Trace> } | undefined
  const traceAt = (path: string) => {
    if (known?.path !== path) known = { path, trace: readTrace(path) }
    const { trace } = known
    trace.catch(() => {
      known = undefined // the file may be there next time
    })
    return trace
  }
  return {
    packLoad: (request) => packText(formatLoadRequest(request, tracePath && resolve(tracePath))),
    unpackLoad: async (text) => parseLoadRequest(await unpackText(text), traceAt),
    packRun: (run) => packText(formatGeneratorRun(run)),
    unpackRun: async (text) => parseGeneratorRun(await unpackText(text)),
  }
}

function freshName(): string {
  return randomUUID().slice(0, 8)
}
