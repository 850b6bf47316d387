/** Waits until so many agents are there and have come to a session. */
import type { MeetingPort } from '../../cache/ports.js'
import { type CachectlError, isUnreachable, unreachable } from '../../errors.js'
import { printable } from '../../printable.js'
import { formatDurationMs } from '../../workload/duration.js'
import type { ProgressPort } from '../ports.js'
import {
  type Announcement,
  type Invite,
  listNames,
  names,
  parseAnnouncement,
  parseInvite,
  shortTtlSeconds,
} from './messages.js'
import type { MeetingPorts } from './ports.js'

export interface GatherOptions {
  readonly session: string
  readonly count: number
  readonly timeoutMs: number
  /** Of cachectl: agents of another version may understand a load differently, and are left alone. */
  readonly version: string
  /** `--join` of this meeting place, for who has to start agents. */
  readonly joinUrl: string
}

type GatherPorts = Omit<MeetingPorts, 'texts'> & { readonly progress: ProgressPort }

const pollMs = 100
/** An agent that was invited and does not come in this time may be dead: another one is invited. */
const comeMs = 3_000

/** In the order of their names. Errors: `unreachable`, with who came; the signal's reason. */
export async function gatherAgents(options: GatherOptions, ports: GatherPorts): Promise<Announcement[]> {
  const invitedMs = new Map<string, number>()
  try {
    return await gather(options, ports, invitedMs)
  } finally {
    for (const id of invitedMs.keys()) await takeBack(id, options.session, ports.meeting)
  }
}

/** `invitedMs`: when each was invited. */
async function gather(
  options: GatherOptions,
  ports: GatherPorts,
  invitedMs: Map<string, number>,
): Promise<Announcement[]> {
  const { session, count, timeoutMs, version } = options
  const { meeting, clock, signal, progress } = ports
  const startMs = clock.nowMs()
  let seen: Announcement[] = []
  for (;;) {
    signal.throwIfAborted()
    seen = await look(ports, seen)
    const here = seen.filter((agent) => agent.session === session)
    if (here.length >= count) return here.slice(0, count)
    const nowMs = clock.nowMs()
    if (nowMs - startMs > timeoutMs) throw tooFew(options, seen, here)
    const isComing = ({ id, session: other }: Announcement) =>
      other === null && nowMs - (invitedMs.get(id) ?? Number.NEGATIVE_INFINITY) < comeMs
    const free = seen.filter((agent) => agent.version === version && agent.session === null)
    const coming = free.filter(isComing)
    const fresh = free
      .filter((agent) => !isComing(agent))
      // those that were invited in vain come last
      .sort((a, b) => (invitedMs.get(a.id) ?? 0) - (invitedMs.get(b.id) ?? 0))
    for (const { id } of fresh.slice(0, Math.max(0, count - here.length - coming.length))) {
      invitedMs.set(id, nowMs)
      await meeting.put(names.invite(id), JSON.stringify({ session } satisfies Invite), shortTtlSeconds)
    }
    const who = here.length === 0 ? '' : `: ${listNames(here.map(({ id }) => id))}`
    progress.update(`waiting for agents, ${here.length} of ${count} are there${who}`)
    await clock.sleep(pollMs, signal).catch(() => undefined)
  }
}

/** An invitation of ours that nobody has taken. */
async function takeBack(id: string, session: string, meeting: MeetingPort): Promise<void> {
  try {
    const invite = parseInvite(await meeting.get(names.invite(id)))
    if (invite?.session === session) await meeting.remove(names.invite(id))
  } catch (error) {
    if (!isUnreachable(error)) throw error // it goes by itself
  }
}

/** A store that is away now may be back before the time is up. */
async function look({ meeting }: GatherPorts, before: Announcement[]): Promise<Announcement[]> {
  try {
    const texts = await meeting.list(names.agents)
    return texts.flatMap(({ text }) => parseAnnouncement(text) ?? [])
  } catch (error) {
    if (!isUnreachable(error) || before.length === 0) throw error
    return before
  }
}

function tooFew(
  { count, timeoutMs, version, joinUrl }: GatherOptions,
  seen: readonly Announcement[],
  here: readonly Announcement[],
): CachectlError {
  const came = here.length === 0 ? '' : `: ${listNames(here.map(({ id }) => id))}`
  const others = seen.filter((agent) => agent.version !== version)
  const busy = seen.filter((agent) => agent.session !== null && !here.includes(agent))
  return unreachable(
    [
      `${here.length} of ${count} agents came within ${formatDurationMs(timeoutMs)}${came}`,
      ...(busy.length > 0 ? [`in another run: ${listNames(busy.map(({ id }) => id))}`] : []),
      ...others.map(
        ({ id, version: other }) => `of cachectl ${printable(other)}, this is ${version}: ${printable(id)}`,
      ),
    ].join('; '),
    `Start more of them: cachectl bench agent --join ${joinUrl}; or wait longer, with --agents-timeout.`,
  )
}
