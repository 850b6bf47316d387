/**
 * The gate of a node: the lowest epoch whose writes to moving keys it still takes. Only ever raised. A node without one
 * rejects: it has lost its memory, and with it what it promised.
 */
import { fencedCode, fenceKey } from './operator-fence.js'
import { type Command, ReplyError } from './resp.js'
import type { RespConnection } from './resp-connection.js'

export const gateKey = '__cachectl:gate'

/** The error code of a write that came too late; its client reads the ring's state again. */
export const closedCode = 'EPOCH'

/** KEYS gate, the command's keys; ARGV the client's epoch, the whole command. */
export const gatedScript = `local gate = redis.call('GET', KEYS[1])
if not gate or tonumber(gate) > tonumber(ARGV[1]) then return redis.error_reply('${closedCode} the gate is closed') end
local command = {}
for i = 2, #ARGV do command[i - 1] = ARGV[i] end
return redis.pcall(unpack(command))`

/** KEYS gate, fence; ARGV epoch, token. No token: nobody else is at work. */
export const raiseScript = `if ARGV[2] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[2] then return redis.error_reply('${fencedCode} another operator has taken over') end
local gate = redis.call('GET', KEYS[1])
if not gate or tonumber(gate) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
return redis.call('GET', KEYS[1])`

/** The command, run only while the gate takes writes of that epoch. */
export function gatedCommand(epoch: number, keys: readonly Buffer[], command: Command): Command {
  return ['EVAL', gatedScript, keys.length + 1, gateKey, ...keys, epoch, ...command]
}

/**
 * For a command that no script may run: whether the gate takes that epoch now. From here on EXEC fails on this
 * connection when the gate moves; while it is closed nothing is watched.
 */
export async function watchGate(connection: RespConnection, epoch: number): Promise<boolean> {
  const [, gate] = await connection.send([
    ['WATCH', gateKey],
    ['GET', gateKey],
  ])
  if (gate !== null && Number(String(gate)) <= epoch) return true
  await connection.call('UNWATCH')
  return false
}

export const gateIsClosed = new ReplyError(closedCode, `${closedCode} the gate is closed`)

/** By an operator only under its token: one who has lost its lease must not begin a change. */
export function raiseGateCommand(epoch: number, token?: number): Command {
  return ['EVAL', raiseScript, 2, gateKey, fenceKey, epoch, token ?? '']
}
