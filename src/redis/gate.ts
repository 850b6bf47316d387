/**
 * The gate of a node: the lowest epoch whose writes to moving keys it still takes. Only ever raised. A node without one
 * rejects: it has lost its memory, and with it what it promised.
 */
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

/** KEYS gate; ARGV epoch. */
export const raiseScript = `local gate = redis.call('GET', KEYS[1])
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

export function raiseGateCommand(epoch: number): Command {
  return ['EVAL', raiseScript, 1, gateKey, epoch]
}
