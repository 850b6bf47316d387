/** An agent: says that it is there, comes to the session it is invited to, and waits for the next one after it. */
import { describeError, isUnreachable } from '../../errors.js'
import { type Announcement, type Failure, names, parseInvite } from './messages.js'
import type { AgentPorts } from './ports.js'
import { AgentSession, type SessionEnd } from './session.js'
import { Voice } from './voice.js'

export type AgentIdentity = Pick<Announcement, 'id' | 'cores' | 'version' | 'node'>

export interface AgentOutcome {
  readonly sessions: number
  /** How the last one ended; null: none has. */
  readonly end: SessionEnd | null
  /** The last load that it could not take part in. */
  readonly failure: Failure | null
}

const pollMs = 250

/** Until the signal, or the end of the first session. Errors: `unreachable` where the store can't be reached at the start. */
export async function serveAgent(
  identity: AgentIdentity,
  { once }: { readonly once: boolean },
  ports: AgentPorts,
): Promise<AgentOutcome> {
  const { meeting, clock, signal, tell } = ports
  const voice = new Voice<Announcement>(
    { meeting, clock, name: names.agent(identity.id) },
    { ...identity, beat: 0, session: null },
  )
  await voice.say({})
  voice.start()
  tell(`agent ${identity.id} waits at ${meeting.place}`)
  let outcome: AgentOutcome = { sessions: 0, end: null, failure: null }
  try {
    for (;;) {
      const session = await nextInvite(identity.id, ports)
      if (session === undefined) return outcome
      await voice.say({ session })
      const served = new AgentSession(session, identity.id, ports)
      const end = await served.serve()
      outcome = { sessions: outcome.sessions + 1, end, failure: served.failure }
      tell(sessionEnds[end])
      if (once || signal.aborted) return outcome
      await voice.say({ session: null })
    }
  } finally {
    await voice.end({ staysOnBoard: false })
  }
}

const sessionEnds: Readonly<Record<SessionEnd, string>> = {
  over: 'the run is over',
  dropped: 'the run goes on without this agent',
  silent: 'the coordinator has fallen silent: the load was stopped',
  stopped: 'stopped',
}

/** undefined: stopped. A store that is away is waited for. */
async function nextInvite(
  id: string,
  { meeting, clock, signal, tell }: AgentPorts,
): Promise<string | undefined> {
  let isAway = false
  while (!signal.aborted) {
    try {
      const invite = parseInvite(await meeting.get(names.invite(id)))
      if (isAway) tell(`${meeting.place} is back`)
      isAway = false
      if (invite) {
        await meeting.remove(names.invite(id))
        return invite.session
      }
    } catch (error) {
      if (!isUnreachable(error)) throw error
      if (!isAway) tell(`${describeError(error)}; waiting`)
      isAway = true
    }
    await clock.sleep(pollMs, signal).catch(() => undefined)
  }
  return undefined
}
