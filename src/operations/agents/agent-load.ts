/**
 * A load that several machines generate together: each runs its share of the same request, from the same moment, and what
 * they counted is merged. To whoever runs a load it is one like any other.
 */

import type { MeetingPort } from '../../cache/ports.js'
import { CachectlError, ExitCode, invalid, isUnreachable, stopped, toldError } from '../../errors.js'
import type { AgentCounts } from '../../measure/agents.js'
import { type GeneratorRun, mergeRuns } from '../../measure/merge-runs.js'
import type { RunCounts } from '../../measure/run-counts.js'
import { printable } from '../../printable.js'
import type { LoadPort, LoadRequest, ProgressPort } from '../ports.js'
import { type ClockReading, readClocks } from './clocks.js'
import { type GatherOptions, gatherAgents } from './gather.js'
import { getLong, putLong } from './long-texts.js'
import { type Announcement, type Failure, names, type SessionState, silentMs } from './messages.js'
import { type MeetingPorts, patiently } from './ports.js'
import { Voice } from './voice.js'
import { AgentWatch } from './watch.js'

export type LoadOptions = Parameters<LoadPort['run']>[1]

export interface AgentLoad extends LoadPort {
  /** Lets the agents go, and takes the session off the board. */
  close(): Promise<void>
}

const readyPollMs = 20
const runPollMs = 100
/** Between the word to start and the start itself: longer than any of the agents needs to see it. */
const startAheadMs = 1_000
/** Filling and cleaning up need no common start. */
const bulkStartAheadMs = 100
/** An agent that was told to stop hands over its counts in this time: it waits a second for replies. */
const stopMs = 15_000

/** Errors: `unreachable` where too few agents come. */
export async function openAgentLoad(
  options: GatherOptions,
  ports: MeetingPorts & { readonly progress: ProgressPort },
): Promise<AgentLoad> {
  const { meeting, clock } = ports
  const { session } = options
  const voice = new Voice<SessionState>(
    { meeting, clock, name: names.state(session) },
    { beat: 0, members: [], load: 0, loadParts: 0, stage: 'wait', ping: 0, startsMs: {} },
  )
  const close = async () => {
    await voice.end({ staysOnBoard: false })
    await removeIfReachable(meeting, names.session(session))
  }
  try {
    await voice.say({})
    voice.start()
    const agents = await gatherAgents(options, ports)
    const team = new AgentTeam(agents, voice, session, ports)
    return { run: (request, run) => team.run(request, run), close }
  } catch (error) {
    await close().catch(() => undefined) // the first error is the one to tell
    throw error
  } finally {
    ports.progress.end()
  }
}

/** A load under way. */
interface Run {
  readonly load: number
  readonly members: readonly string[]
  readonly options: LoadOptions
  readonly done: Map<string, GeneratorRun>
  readonly startLagMs: Map<string, number>
  clocks: ReadonlyMap<string, ClockReading>
  startMs: number
  stopByMs: number
}

class AgentTeam {
  private readonly watch: AgentWatch
  /** Why they are not with us any more. */
  private readonly lost = new Map<string, string>()
  private load = 0

  constructor(
    private readonly agents: readonly Announcement[],
    private readonly voice: Voice<SessionState>,
    private readonly session: string,
    private readonly ports: MeetingPorts,
  ) {
    this.watch = new AgentWatch(ports.meeting, ports.clock, session)
  }

  /** Errors: those of an agent that can't take part, naming it; `stopped` where all were lost. */
  async run(request: LoadRequest, options: LoadOptions): Promise<RunCounts> {
    if (request.warmup.kind === 'detect')
      throw invalid(
        'a warm-up that ends when it is steady: agents would end it at different times',
        'Give it a time, as in --warmup 10s.',
      )
    const run = await this.prepare(request, options)
    try {
      await this.untilReady(run)
      await options.beforeStart?.()
      await this.start(run, request.source.kind === 'every-key' ? bulkStartAheadMs : startAheadMs)
      await this.untilDone(run)
    } finally {
      await removeIfReachable(this.ports.meeting, `${names.load(this.session, run.load)}/`)
      await removeIfReachable(this.ports.meeting, names.counts(this.session, run.load))
    }
    return this.merge(run, request)
  }

  private async prepare(request: LoadRequest, options: LoadOptions): Promise<Run> {
    const { meeting, texts } = this.ports
    this.load += 1
    const { load } = this
    const members = this.agents.map(({ id }) => id).filter((id) => !this.lost.has(id))
    if (members.length === 0) throw this.nobodyLeft()
    const packed = await texts.packLoad(request)
    const loadParts = await patiently(this.ports.clock, () =>
      putLong(meeting, names.load(this.session, load), packed),
    )
    this.watch.expect(members)
    await this.tell({ stage: 'prepare', load, loadParts, members, startsMs: {} })
    return {
      load,
      members,
      options,
      done: new Map(),
      startLagMs: new Map(),
      clocks: new Map(),
      startMs: 0,
      stopByMs: Number.POSITIVE_INFINITY,
    }
  }

  private tell(change: Partial<SessionState>): Promise<void> {
    return patiently(this.ports.clock, () => this.voice.say(change))
  }

  private living({ members }: Run): string[] {
    return members.filter((id) => !this.lost.has(id))
  }

  /** Each has connected; one that can't ends the load for all. */
  private async untilReady(run: Run): Promise<void> {
    const { clock } = this.ports
    while (!run.options.signal.aborted) {
      await this.watch.look()
      this.loseSilent(run)
      const said = this.living(run).map((id) => ({ id, said: this.watch.of(id, run.load) }))
      const failed = said.find((each) => each.said?.failure)
      if (failed?.said?.failure) {
        await this.tell({ stage: 'cancel' })
        throw errorOf(failed.id, failed.said.failure)
      }
      if (said.every((each) => each.said && each.said.stage !== 'preparing')) return
      await clock.sleep(readyPollMs)
    }
  }

  private async start(run: Run, aheadMs: number): Promise<void> {
    const { clock } = this.ports
    const { signal } = run.options
    if (signal.aborted) return
    run.clocks = await readClocks(this.voice.now.ping + 1, {
      clock,
      signal,
      members: this.living(run),
      ask: (ping) => this.tell({ ping }),
      look: () => this.watch.look(),
      said: (id) => this.watch.of(id, run.load),
      isGone: (id) => this.watch.isSilent(id),
    })
    if (signal.aborted) return
    run.startMs = clock.wallMs() + aheadMs
    const startsMs = Object.fromEntries(
      run.members.map((id) => [id, run.startMs + (run.clocks.get(id)?.offsetMs ?? 0)]),
    )
    await this.tell({ stage: 'start', startsMs })
  }

  private async untilDone(run: Run): Promise<void> {
    const { clock } = this.ports
    const { signal, onProgress } = run.options
    for (;;) {
      if (signal.aborted && run.stopByMs === Number.POSITIVE_INFINITY) {
        run.stopByMs = clock.nowMs() + stopMs
        await this.tell({ stage: 'stop' })
      }
      await this.watch.look()
      this.loseSilent(run)
      for (const id of this.living(run)) if (!run.done.has(id)) await this.collect(run, id)
      if (this.living(run).every((id) => run.done.has(id))) return
      const progress = run.members.flatMap((id) => this.watch.of(id, run.load)?.progress ?? [])
      if (progress.length > 0) {
        const first = progress.reduce((a, b) => (b.passedMs > a.passedMs ? b : a))
        const answered = progress.reduce((sum, each) => sum + each.answered, 0)
        onProgress({ label: printable(first.label), passedMs: first.passedMs, answered })
      }
      await clock.sleep(runPollMs)
    }
  }

  /** Takes what an agent that is done has counted. */
  private async collect(run: Run, id: string): Promise<void> {
    const { meeting, texts } = this.ports
    const said = this.watch.of(id, run.load)
    if (said?.failure) this.lost.set(id, printable(said.failure.message))
    if (said?.stage !== 'done') return
    try {
      const name = names.counts(this.session, run.load, id)
      run.done.set(id, await texts.unpackRun(await getLong(meeting, name, said.parts)))
      const clockOffsetMs = run.clocks.get(id)?.offsetMs
      if (said.startedMs !== null && clockOffsetMs !== undefined)
        run.startLagMs.set(id, said.startedMs - clockOffsetMs - run.startMs)
    } catch (error) {
      if (!(error instanceof CachectlError) || error.exitCode === ExitCode.unreachable) throw error
      this.lost.set(id, error.message)
    }
    if (said.stoppedBy !== null) this.lost.set(id, printable(said.stoppedBy))
  }

  private loseSilent(run: Run): void {
    const isOver = this.ports.clock.nowMs() > run.stopByMs
    for (const id of this.living(run)) {
      if (run.done.has(id)) continue
      if (this.watch.isSilent(id)) this.lost.set(id, `no sign of life for ${silentMs / 1000} s`)
      else if (isOver) this.lost.set(id, `it did not stop within ${stopMs / 1000} s`)
    }
  }

  private merge(run: Run, { source }: LoadRequest): RunCounts {
    if (run.done.size === 0) throw this.nobodyLeft()
    const missing = run.members.filter((id) => this.lost.has(id))
    if (source.kind === 'every-key' && missing.length > 0 && !run.options.signal.aborted)
      throw stopped(this.describeLost(missing), 'Its part of the keys was not gone through.')
    const counts = mergeRuns(
      run.members.flatMap((id) => run.done.get(id) ?? []),
      run.options.onInterval,
    )
    return { ...counts, agents: this.agents.map((agent) => this.countsOf(agent, run)) }
  }

  private countsOf({ id, cores, node }: Announcement, run: Run): AgentCounts {
    const clock = run.clocks.get(id)
    return {
      name: id,
      cores,
      node: printable(node),
      clockOffsetMs: clock?.offsetMs ?? null,
      clockErrorMs: clock?.errorMs ?? null,
      startLagMs: run.startLagMs.get(id) ?? null,
      lost: this.lost.get(id) ?? null,
      isCounted: run.done.has(id),
    }
  }

  private describeLost(ids: readonly string[]): string {
    return ids.map((id) => `agent ${id} was lost: ${this.lost.get(id)}`).join('; ')
  }

  private nobodyLeft(): CachectlError {
    return stopped(
      this.describeLost([...this.lost.keys()]),
      'There is no agent left to send the load, or to remove its keys; the same run again removes them.',
    )
  }
}

/** What stays behind goes by itself; it must not cost a result that is in hand. */
async function removeIfReachable(meeting: MeetingPort, prefix: string): Promise<void> {
  try {
    await meeting.remove(prefix)
  } catch (error) {
    if (!isUnreachable(error)) throw error
  }
}

function errorOf(id: string, { message, exitCode, remedy }: Failure): CachectlError {
  return toldError({
    message: `agent ${id}: ${printable(message)}`,
    exitCode,
    remedy: remedy && printable(remedy),
  })
}
