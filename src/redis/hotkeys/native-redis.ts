/**
 * HOTKEYS of Redis ≥ 8.6 (src/hotkeys.c at 1752ce8): one session a server, whose results stay until they are reset. A
 * session is ours if it began when ours did; no other is ever stopped or reset.
 */
import type { Clock } from '../../clock.js'
import { refused, stopped } from '../../errors.js'
import type { NativeState } from '../../hotkeys/choose-source.js'
import { parseRedisHotkeys, type RedisSession, sampleRatio } from '../../hotkeys/native-replies.js'
import type { NodeRanking } from '../../hotkeys/sampled.js'
import type { RankingSource } from '../../operations/hotkeys/ports.js'
import type { NodeAccess } from '../../operations/ports.js'
import { ReplyError } from '../resp.js'
import { type RespConnection, replyFailure } from '../resp-connection.js'
import { nodeName } from '../socket.js'
import { sleepUntilAborted } from './burst-wait.js'
import { NodeConnections } from './node-connections.js'

export interface NativeRedisOptions {
  /** Commands a second of the node: decides which share of them is counted. */
  readonly opsPerSec: (node: string) => number
}

/** The server's most. */
const keyCount = 64
/** We stop it ourselves; this ends it when we have died. */
const spareSeconds = 5

export function createNativeRedisSource(
  accesses: readonly NodeAccess[],
  clock: Clock,
  { opsPerSec }: NativeRedisOptions,
): RankingSource {
  const connections = new NodeConnections(accesses)
  /** By node, when our session began. */
  const ours = new Map<string, number>()
  return {
    name: 'native',
    async rank(node, { durationMs, signal }) {
      const connection = await connections.of(node)
      const ratio = sampleRatio(opsPerSec(node), durationMs)
      await start(connection, { ratio, seconds: Math.ceil(durationMs / 1000) + spareSeconds }, (startedMs) =>
        ours.set(node, startedMs),
      )
      await sleepUntilAborted(clock, durationMs, signal)
      const session = await finish(connection, ours.get(node) ?? 0)
      ours.delete(node)
      return rankingOf(node, session)
    },
    async close() {
      try {
        for (const [node, startedMs] of ours) await finish(await connections.of(node), startedMs)
      } finally {
        connections.close()
      }
    },
  }
}

/** What stands in the way of a session of ours; `none` where the server has no such command. */
export async function readRedisSession(connection: RespConnection): Promise<NativeState> {
  const [reply] = await connection.send([['HOTKEYS', 'GET']])
  if (reply === null) return { kind: 'redis', session: 'free' }
  if (reply instanceof ReplyError) {
    if (/unknown command/i.test(reply.message)) return { kind: 'none' }
    if (reply.code === 'NOPERM') return { kind: 'denied' }
    throw replyFailure(connection.access, 'HOTKEYS GET', reply)
  }
  const session = parseRedisHotkeys(reply)
  if (!session) return { kind: 'none' }
  return { kind: 'redis', session: session.isActive ? 'active' : 'finished' }
}

async function start(
  connection: RespConnection,
  { ratio, seconds }: { ratio: number; seconds: number },
  onStarted: (startedMs: number) => void,
): Promise<void> {
  const name = `node ${nodeName(connection.access.node)}`
  const state = await readRedisSession(connection)
  if (state.kind !== 'redis')
    throw refused(`${name}: its server has no HOTKEYS as Redis 8.6 has it`, 'Take --source auto.')
  // a new session would throw away the results of a finished one
  if (state.session === 'finished')
    throw refused(
      `${name}: the results of a finished HOTKEYS session are held there`,
      'Read them with HOTKEYS GET, then HOTKEYS RESET, or take --source auto.',
    )
  const sample = ratio > 1 ? ['SAMPLE', ratio] : []
  const [reply] = await connection.send([
    ['HOTKEYS', 'START', 'METRICS', 2, 'CPU', 'NET', 'COUNT', keyCount, 'DURATION', seconds, ...sample],
  ])
  if (reply instanceof ReplyError) {
    if (!/already in progress/.test(reply.message))
      throw replyFailure(connection.access, 'HOTKEYS START', reply)
    throw refused(
      `${name}: somebody else’s HOTKEYS session is running`,
      'Wait until it has ended, or take --source monitor.',
    )
  }
  onStarted((await readSession(connection)).startedMs)
}

/** Reads the session that began then and removes it. Errors: `stopped` when it is not there any more. */
async function finish(connection: RespConnection, startedMs: number): Promise<RedisSession> {
  const running = await readSession(connection)
  assertOurs(connection, running, startedMs)
  if (running.isActive) await connection.call('HOTKEYS', 'STOP')
  const session = await readSession(connection)
  assertOurs(connection, session, startedMs)
  await connection.call('HOTKEYS', 'RESET')
  return session
}

async function readSession(connection: RespConnection): Promise<RedisSession> {
  const session = parseRedisHotkeys(await connection.call('HOTKEYS', 'GET'))
  if (!session) throw lost(connection)
  return session
}

function assertOurs(connection: RespConnection, session: RedisSession, startedMs: number): void {
  if (session.startedMs !== startedMs) throw lost(connection)
}

function lost(connection: RespConnection): Error {
  return stopped(
    `node ${nodeName(connection.access.node)}: our HOTKEYS session was ended by somebody else`,
    'Run the same command again, or take --source monitor.',
  )
}

function rankingOf(node: string, session: RedisSession): NodeRanking {
  const { sampleRatio: ratio } = session
  return {
    node,
    source: 'native',
    unit: 'cpu-us',
    keys: session.byMicros,
    also: { unit: 'net-bytes', keys: session.byBytes },
    notes: [
      `HOTKEYS of Redis for ${(session.durationMs / 1000).toFixed(1)} s: shares of the time of commands with keys, not of their number`,
      'a command with several keys is split evenly among them; what scripts do is counted for the keys they were called with',
      ...(ratio > 1
        ? [`one in ${ratio} commands was counted; weights are multiplied back (redis issue 15837)`]
        : []),
    ],
  }
}
