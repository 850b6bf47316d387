/**
 * The slow log as a source: for the length of a burst the server logs every command, then it is read, emptied and put
 * back as it was. Cheap where values are large, because arguments are cut (src/hotkeys/slowlog-entries.ts). What its users
 * had in it is saved first: there is no way to put entries back.
 */
import type { Clock } from '../../clock.js'
import { refused } from '../../errors.js'
import type { KeyPositions } from '../../hotkeys/key-positions.js'
import { sampledFromEntry } from '../../hotkeys/slowlog-entries.js'
import type { BurstLimits, BurstSource } from '../../operations/hotkeys/ports.js'
import type {
  Settings,
  SettingsLedger,
  SlowlogArchive,
  SlowlogEntry,
} from '../../operations/hotkeys/server-settings.js'
import type { NodeAccess } from '../../operations/ports.js'
import { type Command, type Reply, ReplyError } from '../resp.js'
import { type RespConnection, replyFailure } from '../resp-connection.js'
import { nodeName } from '../socket.js'
import { BorrowedSettings } from './borrowed-settings.js'
import { NodeConnections } from './node-connections.js'

export interface SlowlogOptions {
  readonly positions: KeyPositions
  readonly ledger: SettingsLedger
  readonly archive: SlowlogArchive
}

/** Reading 1,000 entries holds the server up for 1.3 ms (measured on Redis 7.0). */
const mostEntries = 1_000
const slowerThan = 'slowlog-log-slower-than'
const maxLength = 'slowlog-max-len'
const during = { [slowerThan]: '0', [maxLength]: String(mostEntries) }
/** Reading as many at once, to save them, takes 7 ms. */
const mostSaved = 10_000
const loggingMicros = 0.9
const readingMicros = 1.3
/** The commands that begin a burst are in it too. */
const ownEntries = 4
/** Entries of ours are told by it, also behind a proxy. */
const clientName = 'cachectl-slowlog'

interface SlowlogNode {
  readonly connection: RespConnection
  readonly before: Settings
  /** Of the newest entry that was read. */
  lastId: number
}

export function createSlowlogSource(
  accesses: readonly NodeAccess[],
  clock: Clock,
  options: SlowlogOptions,
): BurstSource {
  const connections = new NodeConnections(accesses, { clientName })
  const borrowed = new BorrowedSettings(connections, options.ledger)
  const nodes = new Map<string, SlowlogNode>()
  let cutKeys = 0
  let wasLoggingAll = false
  const nodeOf = async (id: string): Promise<SlowlogNode> => {
    const known = nodes.get(id)
    const connection = await connections.of(id)
    if (known?.connection === connection) return known
    const before = await borrowed.borrow(id, during)
    // what stands there after a loss in the middle of a burst was logged by us
    if (!known) await saveAll(connection, options.archive)
    if (before[slowerThan] === '0') wasLoggingAll = true
    const node = { connection, before, lastId: known?.lastId ?? -1 }
    nodes.set(id, node)
    return node
  }
  return {
    name: 'slowlog',
    sees: 'commands',
    get notes() {
      return [
        'the slow log: all databases together',
        `the entries that were there are saved in ${options.archive.place}`,
        ...(cutKeys > 0
          ? [
              `${cutKeys.toLocaleString('en')} keys were cut (longer than 128 bytes, or past 32 arguments) and not counted`,
            ]
          : []),
        ...(wasLoggingAll ? [`${slowerThan} was 0 before, and is left so`] : []),
      ]
    },
    async burst(id, limits) {
      const node = await nodeOf(id)
      const atMs = clock.nowMs()
      const entries = await logFor(node, { id, limits, clock, archive: options.archive })
      const { commands, cut } = commandsOf(entries, options.positions)
      cutKeys += cut
      const newest = entries.at(-1)?.id ?? node.lastId
      const logged = node.lastId < 0 ? entries.length : newest - node.lastId
      node.lastId = newest
      const taken = commands.slice(0, limits.maxLines)
      return {
        node: id,
        atMs,
        commands: taken,
        bytes: taken.reduce((sum, command) => sum + command.bytes, 0),
        costMicros: Math.max(logged, entries.length) * loggingMicros + entries.length * readingMicros,
      }
    },
    async close() {
      try {
        await borrowed.giveBack()
      } finally {
        connections.close()
      }
    },
  }
}

function commandsOf(entries: readonly SlowlogEntry[], positions: KeyPositions) {
  const found = entries.flatMap((entry) =>
    entry.clientName === clientName ? [] : (sampledFromEntry(entry, positions) ?? []),
  )
  return {
    commands: found.map(({ sampled }) => sampled),
    cut: found.reduce((sum, { cutKeys }) => sum + cutKeys, 0),
  }
}

/** All commands of so many milliseconds, the last ones where there were more than fit; oldest first. */
async function logFor(
  { connection, before }: SlowlogNode,
  { id, limits, clock, archive }: { id: string; limits: BurstLimits; clock: Clock; archive: SlowlogArchive },
): Promise<SlowlogEntry[]> {
  const wanted = Math.min(mostEntries, limits.maxLines + ownEntries)
  const threshold = Number(before[slowerThan])
  // these would be there without us
  const save = (entries: readonly SlowlogEntry[]) => {
    const theirs = entries.filter((entry) => threshold >= 0 && entry.micros >= threshold && isTheirs(entry))
    return theirs.length > 0 ? archive.append(id, theirs) : Promise.resolve()
  }
  const [earlier] = await transaction(connection, [
    ['SLOWLOG', 'GET', mostEntries],
    ['SLOWLOG', 'RESET'],
    ...Object.entries(during).map(([name, value]) => ['CONFIG', 'SET', name, value]),
  ])
  await clock.sleep(limits.maxMs)
  const [, reply] = await transaction(connection, [
    ['CONFIG', 'SET', slowerThan, before[slowerThan]!],
    ['SLOWLOG', 'GET', wanted],
    ['SLOWLOG', 'RESET'],
    ['CONFIG', 'SET', maxLength, before[maxLength]!],
  ])
  const read = entriesOf(reply)
  await save(entriesOf(earlier))
  await save(read)
  return read.reverse()
}

function isTheirs({ clientName: name }: SlowlogEntry): boolean {
  return name !== clientName
}

/** Saves what is there, before anything is changed. Errors: `refused` for more than can be read at once. */
async function saveAll(connection: RespConnection, archive: SlowlogArchive): Promise<void> {
  const { node } = connection.access
  const length = Number(await connection.call('SLOWLOG', 'LEN'))
  if (length > mostSaved)
    throw refused(
      `node ${nodeName(node)}: its slow log has ${length.toLocaleString('en')} entries (at most ${mostSaved.toLocaleString('en')} can be saved without holding it up)`,
      'Save them and SLOWLOG RESET, or take another --source.',
    )
  if (length > 0) await archive.append(node.id, entriesOf(await connection.call('SLOWLOG', 'GET', length)))
}

/** Nothing of another client comes between. An error of any command is thrown. */
async function transaction(connection: RespConnection, commands: readonly Command[]): Promise<Reply[]> {
  const replies = await connection.send([['MULTI'], ...commands, ['EXEC']])
  const result = replies.at(-1)
  const all = [...replies.slice(0, -1), ...(Array.isArray(result) ? result : [result ?? null])]
  for (const reply of all)
    if (reply instanceof ReplyError) throw replyFailure(connection.access, 'SLOWLOG', reply)
  return Array.isArray(result) ? result : []
}

/** Newest first, as the server gives them. */
function entriesOf(reply: Reply | undefined): SlowlogEntry[] {
  if (!Array.isArray(reply)) return []
  return reply.flatMap((entry) => {
    if (!Array.isArray(entry)) return []
    const [id, atSeconds, micros, args, client, name] = entry
    if (!Array.isArray(args)) return []
    return [
      {
        id: Number(id),
        atSeconds: Number(atSeconds),
        micros: Number(micros),
        args: args.map(latin1),
        client: latin1(client ?? null),
        clientName: latin1(name ?? null),
      },
    ]
  })
}

function latin1(reply: Reply): string {
  return Buffer.isBuffer(reply) ? reply.toString('latin1') : ''
}
