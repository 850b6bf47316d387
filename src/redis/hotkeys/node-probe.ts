/** A connection a node beside the monitor's: what the node is, what it does, and what we may do there. */
import type { Clock } from '../../clock.js'
import type { LoadReading } from '../../hotkeys/cost-model.js'
import { createKeyPositions, type KeyPositions } from '../../hotkeys/key-positions.js'
import type { NodeFacts } from '../../hotkeys/node-facts.js'
import type { NodeProbePort } from '../../operations/hotkeys/ports.js'
import type { NodeAccess } from '../../operations/ports.js'
import { commandEntries } from '../command-entries.js'
import { type Command, type Reply, ReplyError } from '../resp.js'
import { openConnection, type RespConnection, replyFailure } from '../resp-connection.js'
import { dryRuns, isDenied, missingRights } from './sampling-rights.js'

export interface NodeProbe extends NodeProbePort {
  /** Where keys are, by the first node that was asked; known once `facts` has resolved. */
  positions(): Promise<KeyPositions>
  /** So many commands of ours went to a node by another way: they are not its load. */
  sent(node: string, count: number): void
  close(): void
}

interface Probed {
  readonly access: NodeAccess
  readonly connection: RespConnection
  /** Commands of ours. */
  sent: number
  /** INFO takes several sections at once since Redis 7. */
  takesSections: boolean
}

/** A server's answer to INFO, of which a few fields are looked up. */
interface Info {
  get(field: string): string | undefined
}

const stretchMs = 500

export function createNodeProbe(accesses: readonly NodeAccess[], clock: Clock): NodeProbe {
  const byId = new Map(accesses.map((access) => [access.node.id, access]))
  const opened = new Map<string, Promise<Probed>>()
  const ours = new Map<string, number>()
  let table: Promise<Reply> | undefined
  const probed = (node: string): Promise<Probed> => {
    const access = byId.get(node)
    if (!access) throw new Error(`no node ${node}`)
    const known = opened.get(node) ?? openProbed(access)
    opened.set(node, known)
    return known
  }
  const reading = async (node: string): Promise<LoadReading> => {
    const each = await probed(node)
    const before = each.sent + (ours.get(node) ?? 0)
    const [reply = null] = await send(each, [infoCommand(each)])
    return toReading(infoOf(each.access, reply), clock.nowMs(), before)
  }
  return {
    load: reading,
    async facts(node) {
      const each = await probed(node)
      const isFirst = table === undefined
      const before = each.sent
      const dry = dryRuns(each.access)
      const asksTable: Command[] = isFirst ? [['COMMAND']] : []
      const answer = send(each, [['INFO'], ...dry, ...asksTable])
      if (isFirst) {
        table = answer.then((replies) => replies.at(-1) ?? null)
        table.catch(() => undefined)
      }
      const replies = await answer
      const missing = new Set(
        await missingRights(each.access, replies.slice(1, dry.length + 1), (commands) =>
          send(each, commands),
        ),
      )
      if (isDenied(replies[0])) missing.add('+info')
      if (isFirst && isDenied(replies.at(-1))) missing.add('+command')
      if (missing.has('+info')) return toFacts(each.access, new Map(), undefined, missing)
      const info = infoOf(each.access, replies[0] ?? null)
      each.takesSections = Number.parseInt(info.get('redis_version') ?? '', 10) >= 7
      const started = toReading(info, clock.nowMs(), before)
      const startedBytes = fieldOf(info, 'total_net_input_bytes')
      await clock.sleep(stretchMs)
      const known = each.sent + (ours.get(node) ?? 0)
      const [second = null] = await send(each, [['INFO']])
      const later = infoOf(each.access, second)
      const ended = toReading(later, clock.nowMs(), known)
      const bytes = fieldOf(later, 'total_net_input_bytes') - startedBytes
      return toFacts(each.access, later, { started, ended, bytes }, missing)
    },
    positions: async () =>
      createKeyPositions(commandEntries((await table) ?? null).map(({ shape }) => shape)),
    sent: (node, count) => ours.set(node, (ours.get(node) ?? 0) + count),
    close: () => {
      for (const each of opened.values())
        each.then(
          ({ connection }) => connection.close(),
          () => undefined,
        )
    },
  }
}

async function openProbed(access: NodeAccess): Promise<Probed> {
  return { access, connection: await openConnection(access), sent: 0, takesSections: false }
}

async function send(probed: Probed, commands: readonly Command[]): Promise<Reply[]> {
  probed.sent += commands.length
  return probed.connection.send(commands)
}

/** The server section has its own clock, which no delay of ours disturbs. */
function infoCommand({ takesSections }: Probed): Command {
  return takesSections ? ['INFO', 'server', 'stats', 'cpu'] : ['INFO']
}

function infoOf(access: NodeAccess, reply: Reply): Info {
  if (reply instanceof ReplyError) throw replyFailure(access, 'INFO', reply)
  const text = `\r\n${String(reply)}\r\n`
  return {
    get(field) {
      const start = text.indexOf(`\r\n${field}:`)
      if (start < 0) return undefined
      const valueAt = start + field.length + 3
      return text.slice(valueAt, text.indexOf('\r\n', valueAt))
    },
  }
}

function fieldOf(info: Info, name: string): number {
  return Number(info.get(name) ?? 0)
}

function toReading(info: Info, nowMs: number, ownCommands: number): LoadReading {
  const micros = info.get('server_time_usec')
  const user = info.get('used_cpu_user_main_thread')
  const system = info.get('used_cpu_sys_main_thread')
  return {
    atMs: micros === undefined ? nowMs : Number(micros) / 1000,
    commands: fieldOf(info, 'total_commands_processed') - ownCommands,
    cpuMicros: user === undefined || system === undefined ? undefined : (Number(user) + Number(system)) * 1e6,
  }
}

function toFacts(
  { node }: NodeAccess,
  info: Info,
  stretch: { started: LoadReading; ended: LoadReading; bytes: number } | undefined,
  missingRights: ReadonlySet<string>,
): NodeFacts {
  const isValkey = info.get('server_name') === 'valkey'
  const largest = info.get('client_recent_max_input_buffer')
  const seconds = stretch ? (stretch.ended.atMs - stretch.started.atMs) / 1000 : 0
  const commands = stretch ? Math.max(0, stretch.ended.commands - stretch.started.commands) : 0
  const before = stretch?.started.cpuMicros
  const after = stretch?.ended.cpuMicros
  return {
    node: node.id,
    server: isValkey ? 'valkey' : 'redis',
    version: info.get(isValkey ? 'valkey_version' : 'redis_version') ?? '0',
    opsPerSec: seconds > 0 ? commands / seconds : 0,
    bytesPerCommand: commands > 0 ? (stretch?.bytes ?? 0) / commands : 0,
    busyShare:
      before === undefined || after === undefined || seconds <= 0
        ? undefined
        : (after - before) / 1e6 / seconds,
    largestInputBytes: largest === undefined ? undefined : Number(largest),
    maxmemoryPolicy: info.get('maxmemory_policy'),
    missingRights,
  }
}
