/** What the agents of a session say, and which of them have fallen silent. */

import type { MeetingPort } from '../../cache/ports.js'
import type { Clock } from '../../clock.js'
import { isUnreachable } from '../../errors.js'
import { names, parseSaid, patienceMs, type Said, silentMs } from './messages.js'

export class AgentWatch {
  private readonly said = new Map<string, Said>()
  /** By the clock of this machine, when an agent last said something new. */
  private readonly newsMs = new Map<string, number>()
  private failedSinceMs: number | undefined

  constructor(
    private readonly meeting: MeetingPort,
    private readonly clock: Clock,
    private readonly session: string,
  ) {}

  /** What it said last about this load. */
  of(id: string, load: number): Said | undefined {
    const said = this.said.get(id)
    return said?.load === load ? said : undefined
  }

  isSilent(id: string): boolean {
    if (this.failedSinceMs !== undefined) return false
    return this.clock.nowMs() - (this.newsMs.get(id) ?? this.clock.nowMs()) > silentMs
  }

  /** These agents are expected to say something from now on. */
  expect(ids: readonly string[]): void {
    for (const id of ids) this.newsMs.set(id, this.clock.nowMs())
  }

  /** Looks once. Errors: `unreachable` when the store has been away for 15 s; until then nobody is silent. */
  async look(): Promise<void> {
    const { meeting, clock, session } = this
    const prefix = names.said(session)
    let texts: Awaited<ReturnType<MeetingPort['list']>>
    try {
      texts = await meeting.list(prefix)
    } catch (error) {
      if (!isUnreachable(error)) throw error
      this.failedSinceMs ??= clock.nowMs()
      if (clock.nowMs() - this.failedSinceMs > patienceMs) throw error
      return
    }
    const nowMs = clock.nowMs()
    if (this.failedSinceMs !== undefined) for (const id of this.newsMs.keys()) this.newsMs.set(id, nowMs)
    this.failedSinceMs = undefined
    for (const { name, text } of texts) {
      const id = name.slice(prefix.length)
      const said = parseSaid(text)
      if (!said) continue
      if (this.said.get(id)?.beat !== said.beat) this.newsMs.set(id, nowMs)
      this.said.set(id, said)
    }
  }
}
