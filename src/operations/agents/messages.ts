/**
 * What the machines of one run write on the board, each under its own name, so that no two write the same text:
 *
 *   agents/AGENT                    an agent: it is there, and whose session it is in
 *   invites/AGENT                   a coordinator: come to my session
 *   sessions/SESSION/state          its coordinator: who takes part, which load is next, go, stop
 *   sessions/SESSION/said/AGENT     an agent: how far it is with that load
 *   sessions/SESSION/loads/N/…      the load; sessions/SESSION/counts/N/AGENT/… what an agent counted
 *
 * Texts are read back with checks: other versions, and whoever may write to the store, write there too.
 */
import * as v from 'valibot'
import { printable } from '../../printable.js'

/** Every writer says something new so often; a text that stays the same for longer than `silentMs` is of somebody lost. */
export const beatMs = 1_000
export const silentMs = 5_000
/** An agent gives up on a coordinator, and both on a store, that is silent for so long. */
export const patienceMs = 15_000
/** Texts outlive their writer by so much. */
export const shortTtlSeconds = 30
export const longTtlSeconds = 600

export const names = {
  agents: 'agents/',
  agent: (id: string) => `agents/${id}`,
  invite: (id: string) => `invites/${id}`,
  session: (session: string) => `sessions/${session}/`,
  state: (session: string) => `sessions/${session}/state`,
  said: (session: string, id = '') => `sessions/${session}/said/${id}`,
  load: (session: string, load: number) => `sessions/${session}/loads/${load}`,
  counts: (session: string, load: number, id = '') => `sessions/${session}/counts/${load}/${id}`,
} as const

const label = v.pipe(v.string(), v.maxLength(300))
const id = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,120}$/))
const number = v.pipe(v.number(), v.finite())
const count = v.pipe(number, v.integer(), v.minValue(0))

const announcement = v.object({
  id,
  cores: count,
  /** Versions of cachectl and of Node. */
  version: label,
  node: label,
  beat: count,
  /** The session it is in; null: it waits for one. */
  session: v.nullable(id),
})
export type Announcement = v.InferOutput<typeof announcement>

const invite = v.object({ session: id })
export type Invite = v.InferOutput<typeof invite>

const sessionState = v.object({
  beat: count,
  /** In the order of their shares. */
  members: v.array(id),
  /** Loads are counted from 1; 0: none yet. */
  load: count,
  /** Parts of the load's text. */
  loadParts: count,
  /** `prepare`: connect, and answer pings; `start`: begin at `startsMs`; `stop`: hand over what there is. */
  stage: v.picklist(['wait', 'prepare', 'start', 'stop', 'cancel', 'end']),
  ping: count,
  /** Wall time of the start by each member's own clock. */
  startsMs: v.record(id, number),
})
export type SessionState = v.InferOutput<typeof sessionState>

const failure = v.object({
  message: v.pipe(v.string(), v.maxLength(2_000)),
  exitCode: count,
  remedy: v.exactOptional(v.pipe(v.string(), v.maxLength(2_000))),
})

const said = v.object({
  beat: count,
  load: count,
  stage: v.picklist(['preparing', 'ready', 'running', 'done', 'failed']),
  /** The last ping that was seen, and the wall time then. */
  ping: count,
  pingMs: number,
  progress: v.nullable(v.object({ label, passedMs: number, answered: number })),
  /** Wall time of the start; null: not yet. */
  startedMs: v.nullable(number),
  /** Of `done`: parts of the counts' text. */
  parts: count,
  /** Of `done`: what ended it early; null: it ran to its end. */
  stoppedBy: v.nullable(label),
  failure: v.nullable(failure),
})
export type Said = v.InferOutput<typeof said>
export type Failure = v.InferOutput<typeof failure>

export const parseAnnouncement = (text: string | undefined) => parse(announcement, text)
export const parseInvite = (text: string | undefined) => parse(invite, text)
export const parseSessionState = (text: string | undefined) => parse(sessionState, text)
export const parseSaid = (text: string | undefined) => parse(said, text)

/** undefined: not there, or nothing of this version. Whoever wrote it is as good as not there. */
function parse<T extends v.GenericSchema>(schema: T, text: string | undefined): v.InferOutput<T> | undefined {
  if (text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const parsed = v.safeParse(schema, value)
  return parsed.success ? parsed.output : undefined
}

/** `web-1, web-2 and 3 more`. */
export function listNames(ids: readonly string[], most = 8): string {
  const shown = ids.slice(0, most).map((each) => printable(each))
  const more = ids.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}
