/** An agent in a session: takes each load that the coordinator names, starts with the others, and hands over its counts. */
import { CachectlError, describeError, ExitCode, isUnreachable } from '../../errors.js'
import type { SecondHistograms } from '../../measure/merge-series.js'
import { totalOf } from '../../measure/run-part.js'
import { toSparse } from '../../measure/sparse-counts.js'
import { printable } from '../../printable.js'
import { getLong, putLong } from './long-texts.js'
import {
  type Failure,
  names,
  parseSessionState,
  patienceMs,
  type Said,
  type SessionState,
} from './messages.js'
import { type AgentPorts, patiently } from './ports.js'
import { Voice } from './voice.js'

/** `dropped`: the others go on without us. `silent`: the coordinator is gone. */
export type SessionEnd = 'over' | 'dropped' | 'silent' | 'stopped'

const restPollMs = 100
/** While the others are waited for: a ping or the start may come any moment. */
const closePollMs = 20
/** Nodes say the same to everybody: two ask them, so that one may be lost. */
const watchers = 2

/** The coordinator wants no counts any more. */
class Cancelled extends Error {}

interface Work {
  readonly load: number
  readonly stop: AbortController
  start(atMs: number): void
  cancel(): void
  readonly ended: Promise<void>
}

export class AgentSession {
  failure: Failure | null = null
  private readonly voice: Voice<Said>
  private work: Work | undefined
  private load = 0

  constructor(
    private readonly session: string,
    private readonly id: string,
    private readonly ports: AgentPorts,
  ) {
    const { meeting, clock } = ports
    this.voice = new Voice<Said>(
      { meeting, clock, name: names.said(session, id) },
      { beat: 0, ...nothingSaid(0) },
    )
  }

  async serve(): Promise<SessionEnd> {
    try {
      await patiently(this.ports.clock, () => this.voice.say({}))
      this.voice.start()
      return await this.follow()
    } finally {
      this.work?.stop.abort()
      this.work?.cancel()
      await this.work?.ended
      // who stops by itself has just handed over its counts, and the coordinator has yet to see it
      const staysOnBoard = this.ports.signal.aborted
      await this.voice.end({ staysOnBoard })
      // nobody came for them: they took us for lost
      const counts = `${names.counts(this.session, this.load, this.id)}/`
      if (!staysOnBoard) await this.quietly(this.ports.meeting.remove(counts))
    }
  }

  /** Does what the coordinator's text says, for as long as there is one. */
  private async follow(): Promise<SessionEnd> {
    const { clock, meeting, signal } = this.ports
    let seen: SessionState | undefined
    let newsMs = clock.nowMs()
    for (;;) {
      const text = await meeting.get(names.state(this.session)).catch((error: unknown) => {
        if (isUnreachable(error)) return null
        throw error
      })
      const state = parseSessionState(text ?? undefined)
      if (text === undefined && seen) return 'over'
      if (state && state.beat !== seen?.beat) newsMs = clock.nowMs()
      if (clock.nowMs() - newsMs > patienceMs) return 'silent'
      if (state) {
        seen = state
        if (state.stage === 'end') return 'over'
        if (state.members.length > 0 && !state.members.includes(this.id)) return 'dropped'
        await this.act(state)
      }
      if (signal.aborted) {
        this.work?.stop.abort(signal.reason)
        await this.work?.ended
        return 'stopped'
      }
      const isClose = this.voice.now.stage === 'ready' && this.work !== undefined
      // a stop by this machine's own signal is seen with the next look
      await clock.sleep(isClose ? closePollMs : restPollMs)
    }
  }

  private async act(state: SessionState): Promise<void> {
    const { voice, ports } = this
    if (state.load > this.load && state.stage === 'prepare') {
      await this.work?.ended
      this.load = state.load
      this.work = this.begin(state)
    }
    if (state.load !== this.load) return
    if (state.ping > voice.now.ping && voice.now.stage === 'ready')
      await this.quietly(voice.say({ ping: state.ping, pingMs: ports.clock.wallMs() }))
    if (state.stage === 'start') this.work?.start(state.startsMs[this.id] ?? 0)
    if (state.stage === 'stop') this.work?.stop.abort(new Cancelled('stopped by the coordinator'))
    if (state.stage === 'cancel') this.work?.cancel()
  }

  private begin(state: SessionState): Work {
    const stop = new AbortController()
    let start: Work['start'] = () => {}
    let cancel: Work['cancel'] = () => {}
    const told = new Promise<number>((resolve, reject) => {
      start = resolve
      cancel = () => reject(new Cancelled('cancelled'))
      stop.signal.addEventListener('abort', () => resolve(0))
    })
    told.catch(() => undefined) // it may be cancelled before anybody waits for it
    const ended = this.run(state, { stop: stop.signal, told }).catch((error: unknown) =>
      this.fail(state, error),
    )
    return { load: state.load, stop, start, cancel, ended }
  }

  private async run(
    { load, loadParts, members }: SessionState,
    { stop, told }: { stop: AbortSignal; told: Promise<number> },
  ): Promise<void> {
    const { voice, ports, session, id } = this
    const { clock, meeting, texts, tell } = ports
    await patiently(clock, () => voice.say(nothingSaid(load)))
    const packed = await patiently(clock, () => getLong(meeting, names.load(session, load), loadParts))
    const request = await texts.unpackLoad(packed)
    const share = { index: members.indexOf(id), count: members.length }
    const generator = await ports.createLoad(request.topology.nodes)
    const histograms: SecondHistograms[] = []
    const watchNodes = request.watchNodes && share.index < watchers
    const counts = await generator.run(
      { ...request, share, watchNodes },
      {
        signal: stop,
        onProgress: ({ label, passedMs, answered }) =>
          voice.note({ progress: { label, passedMs, answered } }),
        onInterval: ({ histograms: operations, nodeHistograms }) =>
          histograms.push({ operations: operations.map(toSparse), nodes: nodeHistograms.map(toSparse) }),
        beforeStart: async () => {
          await patiently(clock, () => voice.say({ stage: 'ready' }))
          const atMs = await told
          await clock.sleep(Math.max(0, atMs - clock.wallMs()), stop).catch(() => undefined)
          voice.note({ stage: 'running', startedMs: clock.wallMs() })
        },
      },
    )
    const run = { counts, histograms }
    await ports.keep?.(`${session}-${load}-${id}`, run)
    const text = await texts.packRun(run)
    const parts = await patiently(clock, () => putLong(meeting, names.counts(session, load, id), text))
    const isOwnStop = stop.aborted && !(stop.reason instanceof Cancelled)
    await patiently(clock, () =>
      voice.say({ stage: 'done', parts, stoppedBy: isOwnStop ? describeError(stop.reason) : null }),
    )
    const answered = counts.cells.reduce((sum, { service }) => sum + totalOf(service), 0)
    tell(`load ${load} of ${printable(session)}: ${answered.toLocaleString('en')} requests answered`)
  }

  private async fail(state: SessionState, error: unknown): Promise<void> {
    if (error instanceof Cancelled) return
    const ours = error instanceof CachectlError ? error : undefined
    this.failure = {
      message: ours ? ours.message : describeError(error),
      exitCode: ours?.exitCode ?? ExitCode.bug,
      ...(ours?.remedy ? { remedy: ours.remedy } : {}),
    }
    this.ports.tell(`load ${state.load} of ${printable(this.session)}: ${this.failure.message}`)
    await this.quietly(this.voice.say({ stage: 'failed', failure: this.failure }))
  }

  /** A store that is away: the next beat says it, and what stays there goes by itself. */
  private async quietly(change: Promise<void>): Promise<void> {
    try {
      await change
    } catch (error) {
      if (!isUnreachable(error)) throw error
    }
  }
}

function nothingSaid(load: number): Omit<Said, 'beat'> {
  return {
    load,
    stage: 'preparing',
    ping: 0,
    pingMs: 0,
    progress: null,
    startedMs: null,
    parts: 0,
    stoppedBy: null,
    failure: null,
  }
}
