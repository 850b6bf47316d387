/** The commands of the simulated node: those that clients, movers and operators send, and their scripts by their text. */
import { forgetFencedScript, takeTokenScript } from '../../src/redis/fleet.js'
import { closedCode, gatedScript, raiseScript } from '../../src/redis/gate.js'
import { fencedCode, lostCode, unlinkFencedScript } from '../../src/redis/operator-fence.js'
import { readCopiesScript } from '../../src/redis/read-copies.js'
import { type Reply, ReplyError } from '../../src/redis/resp.js'
import type { FakeNode, Session } from './node.js'

type Run = (node: FakeNode, args: readonly string[], session: Session) => Reply

/** Keys of that name are told to be big, so that they go by chunks. */
export const bigPrefix = 'big'
const bigBytes = 2 ** 22
const dumpHead = 'DUMP:'
const ok = 'OK'

export const commands: Readonly<Record<string, Run>> = {
  PING: () => 'PONG',
  WAIT: () => 0,
  GET: (node, [key]) => bulk(node.text(key!)),
  MGET: (node, keys) => keys.map((key) => bulk(node.text(key))),
  EXISTS: (node, keys) => keys.filter((key) => node.get(key)).length,
  TYPE: (node, [key]) => (node.get(key!) ? 'string' : 'none'),
  STRLEN: (node, [key]) => (node.text(key!) ?? '').length,
  GETRANGE: (node, [key, first, last]) =>
    Buffer.from((node.text(key!) ?? '').slice(Number(first), Number(last) + 1), 'latin1'),
  DEL: remove,
  UNLINK: remove,
  SET: (node, [key, value, ...flags]) => {
    const [flag, amount] = flags.map((each) => each.toUpperCase())
    if (flag === 'XX' && !node.get(key!)) return null
    const ttlMs = flag === 'PX' ? Number(amount) : flag === 'EX' ? Number(amount) * 1000 : 0
    node.put(key!, value!, ttlMs > 0 ? node.world.wallMs() + ttlMs : 0)
    return ok
  },
  INCR: (node, [key]) => {
    const next = Number(node.text(key!) ?? 0) + 1
    if (!Number.isInteger(next)) return new ReplyError('ERR', 'ERR value is not an integer or out of range')
    node.put(key!, String(next), node.get(key!)?.expiresAtMs ?? 0)
    return next
  },
  APPEND: (node, [key, more]) => {
    const next = (node.text(key!) ?? '') + more!
    node.put(key!, next, node.get(key!)?.expiresAtMs ?? 0)
    return next.length
  },
  MEMORY: (node, [, key]) => (node.get(key!) ? (key!.startsWith(bigPrefix) ? bigBytes : 64) : null),
  DUMP: (node, [key]) => {
    const value = node.text(key!)
    return value === undefined ? null : Buffer.from(dumpHead + value, 'latin1')
  },
  PEXPIRETIME: (node, [key]) => {
    const entry = node.get(key!)
    return entry ? entry.expiresAtMs || -1 : -2
  },
  PEXPIREAT: (node, [key, atMs]) => {
    const entry = node.get(key!)
    if (!entry) return 0
    node.put(key!, entry.value, Number(atMs))
    return 1
  },
  RESTORE: (node, [key, atMs, payload, ...flags]) => {
    if (!flags.includes('REPLACE') && node.get(key!)) {
      node.world.saw('BUSYKEY')
      return new ReplyError('BUSYKEY', 'BUSYKEY Target key name already exists.')
    }
    if (!payload!.startsWith(dumpHead)) {
      return new ReplyError('ERR', 'ERR DUMP payload version or checksum are wrong')
    }
    const expiresAtMs = Number(atMs)
    if (expiresAtMs > 0 && expiresAtMs < node.world.wallMs()) {
      node.remove(key!)
      return ok
    }
    node.put(key!, payload!.slice(dumpHead.length), expiresAtMs)
    return ok
  },
  RENAMENX: (node, [key, name]) => {
    const entry = node.get(key!)
    if (!entry) return new ReplyError('ERR', 'ERR no such key')
    if (node.get(name!)) return 0
    node.remove(key!)
    node.put(name!, entry.value, entry.expiresAtMs)
    return 1
  },
  SCAN: scan,
  SADD: (node, [key, ...members]) => {
    const value = node.get(key!)?.value
    const set = typeof value === 'object' ? value : new Set<string>()
    const before = set.size
    for (const member of members) set.add(member)
    node.put(key!, set, 0)
    return set.size - before
  },
  SPOP: (node, [key, count]) => {
    const value = node.get(key!)?.value
    const taken = [...(typeof value === 'object' ? value : [])].slice(0, Number(count))
    if (taken.length > 0) node.world.saw('wanted')
    for (const member of taken) if (typeof value === 'object') value.delete(member)
    if (typeof value === 'object' && value.size === 0) node.remove(key!)
    return taken.map((member) => bulk(member))
  },
  INFO: (node, [section]) => {
    if (section === 'server') return Buffer.from(`# Server\r\nrun_id:run-of-${node.id}\r\n`)
    const keys = node.keys()
    const expiring = keys.filter((key) => node.get(key)!.expiresAtMs > 0).length
    return Buffer.from(`# Keyspace\r\ndb0:keys=${keys.length},expires=${expiring},avg_ttl=0\r\n`)
  },
  COMMAND: () => commandTable,
  CLIENT: client,
  EVAL: (node, [script, count, ...rest], session) => {
    const run = scripts[script!]
    if (!run) throw new Error(`the simulated node does not know the script ${script}`)
    return run(node, { keys: rest.slice(0, Number(count)), args: rest.slice(Number(count)) }, session)
  },
}

type RunScript = (
  node: FakeNode,
  given: { readonly keys: readonly string[]; readonly args: readonly string[] },
  session: Session,
) => Reply

const scripts: Readonly<Record<string, RunScript>> = {
  'return 1': () => 1,
  [gatedScript]: (node, { keys, args: [epoch, ...command] }, session) => {
    const gate = node.text(keys[0]!)
    if (gate !== undefined && Number(gate) <= Number(epoch)) return node.run(session, command)
    node.world.saw('EPOCH')
    return new ReplyError(closedCode, `${closedCode} the gate is closed`)
  },
  [raiseScript]: (node, { keys: [gate, fence], args: [epoch, token] }) => {
    if (token !== '' && node.text(fence!) !== token) return fenced(node)
    const held = node.text(gate!)
    if (held === undefined || Number(held) < Number(epoch)) node.put(gate!, epoch!, 0)
    return bulk(node.text(gate!))
  },
  [takeTokenScript]: (node, { keys: [fence], args: [token, force] }) => {
    if (Number(node.text(fence!) ?? 0) > Number(token) && force !== 'force') return fenced(node)
    node.put(fence!, token!, 0)
    return ok
  },
  [unlinkFencedScript]: (node, { keys: [fence, ...keys], args: [token] }) => {
    const held = node.text(fence!)
    if (held === undefined) return new ReplyError(lostCode, `${lostCode} no token`)
    return held === token ? remove(node, keys) : fenced(node)
  },
  [readCopiesScript]: (node, { keys, args: [big, , expiry] }, session) => {
    const run = (...command: string[]) => node.run(session, command)
    return keys.flatMap((key) => {
      const size = run('MEMORY', 'USAGE', key)
      const found = size !== null && Number(size) > Number(big) ? 1 : run('DUMP', key)
      if (expiry === '') return [found]
      return [found, typeof found === 'number' || found === null ? null : run('PEXPIRETIME', key)]
    })
  },
  [forgetFencedScript]: (node, { keys, args: [token] }) =>
    node.text(keys[0]!) === token ? remove(node, keys) : 0,
}

function fenced(node: FakeNode): ReplyError {
  node.world.saw('FENCED')
  return new ReplyError(fencedCode, `${fencedCode} another operator has taken over`)
}

function remove(node: FakeNode, keys: readonly string[]): number {
  return keys.filter((key) => node.remove(key)).length
}

/** In two or three parts, some keys twice; what comes while it is under way is not given. */
function scan(node: FakeNode, [cursor, ...options]: readonly string[]): Reply {
  const { random } = node.world
  const pattern = options[0] === 'MATCH' ? options[1]!.slice(0, -1) : ''
  // a cursor may be used again, after a lost answer
  const rest = cursor === '0' ? node.keys() : node.scans.get(Number(cursor))
  if (!rest) throw new Error(`no cursor ${cursor}`)
  const left = [...rest]
  const given = left.splice(0, 1 + random.below(8))
  if (given.length > 0 && left.length > 0 && node.world.chance(0.2)) left.push(given[0]!)
  const next = left.length === 0 ? 0 : 1 + random.below(2 ** 30)
  if (next !== 0) node.scans.set(next, left)
  const found = given.filter((key) => key.startsWith(pattern) && node.get(key))
  return [Buffer.from(String(next)), found.map((key) => bulk(key))]
}

function client(node: FakeNode, [verb, ...args]: readonly string[], session: Session): Reply {
  switch (verb!.toUpperCase()) {
    case 'SETNAME':
      session.name = args[0]!
      return ok
    case 'ID':
      return session.id
    case 'LIST': {
      const lines = [...node.sessions.values()].map(
        ({ id, name }) => `id=${id} addr=10.0.0.1:${id} name=${name} flags=N\n`,
      )
      return Buffer.from(args[0] === 'ID' ? '' : lines.join(''))
    }
    case 'KILL': {
      const found = node.sessions.get(Number(args[1]))
      if (!found) return 0
      node.world.saw(found.name.startsWith('cc-op:') ? 'operator fenced' : 'CLIENT KILL')
      found.kill()
      return 1
    }
    default:
      throw new Error(`the simulated node has no CLIENT ${verb}`)
  }
}

function bulk(text: string | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text, 'latin1')
}

const commandTable: Reply = [
  ['get', 2, ['readonly', 'fast'], 1, 1, 1],
  ['mget', -2, ['readonly', 'fast'], 1, -1, 1],
  ['set', -3, ['write', 'denyoom'], 1, 1, 1],
  ['incr', 2, ['write', 'denyoom', 'fast'], 1, 1, 1],
  ['append', 3, ['write', 'denyoom', 'fast'], 1, 1, 1],
  ['del', -2, ['write'], 1, -1, 1],
]
