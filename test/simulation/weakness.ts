/** The same code over seams that break one rule each: a simulation that does not find them finds nothing. */
import { type ClientRecord, type ControlStore, lookName, type StoredState } from '../../src/cache/ports.js'
import { isUnreachable } from '../../src/errors.js'
import { takeTokenScript } from '../../src/redis/fleet.js'
import { gatedScript, raiseScript } from '../../src/redis/gate.js'
import { fenceKey, unlinkFencedScript } from '../../src/redis/operator-fence.js'
import { readCopiesScript } from '../../src/redis/read-copies.js'
import type { Command } from '../../src/redis/resp.js'
import { callOver, type OpenConnection, type RespConnection } from '../../src/redis/resp-connection.js'

import type { Kind } from './weather.js'

export type Role = 'client' | 'operator'

/** Made anew for each process. */
export interface Weakness {
  /** Where it shows soonest; absent: any. */
  readonly weather?: Kind
  open?(open: OpenConnection, role: Role): OpenConnection
  control?(control: ControlStore, role: Role): ControlStore
}

export const weaknesses: Readonly<Record<string, Weakness>> = {
  'WATCH does nothing': {
    weather: 'crowded',
    open: (open) =>
      rewriting(
        open,
        eachAs('WATCH', () => ['PING']),
      ),
  },
  'WATCH comes after the source was read': {
    weather: 'crowded',
    open: (open) => watchingLate(open, []),
  },
  'WATCH comes late, and RESTORE replaces': {
    open: (open) => watchingLate(open, ['REPLACE']),
  },
  'the source is unlinked before the target is restored': {
    open: (open) =>
      rewriting(open, (commands) => [
        ...commands,
        ...commands.flatMap(([, script, count, ...rest]): Command[] =>
          script === readCopiesScript ? [['UNLINK', ...rest.slice(0, Number(count))]] : [],
        ),
      ]),
  },
  'expiry times are left behind': {
    open: (open) =>
      rewriting(
        open,
        eachAs('RESTORE', ([name, key, , ...rest]) => [name!, key!, 0, ...rest]),
      ),
  },
  'writes do not pass the gate': {
    open: (open, role) =>
      role === 'operator'
        ? open
        : rewriting(
            open,
            eachAs('EVAL', (command) => (command[1] === gatedScript ? ungated(command) : command)),
          ),
  },
  'the gate rises once only': {
    open: (open, role) => {
      let isRaised = false
      if (role === 'client') return open
      return rewriting(
        open,
        eachAs('EVAL', (command) => {
          if (command[1] !== raiseScript) return command
          if (isRaised) return ['PING']
          isRaised = true
          return command
        }),
      )
    },
  },
  'the barrier takes everybody as having acked': {
    control: (control, role) => {
      if (role === 'client') return control
      const acked = (client: ClientRecord) => ({ ...client, ackedEpoch: Number.POSITIVE_INFINITY })
      return { ...control, clients: async () => (await control.clients()).map(acked) }
    },
  },
  'the barrier ends nobody’s connections': {
    open: (open, role) => (role === 'client' ? open : rewriting(open, eachAs('CLIENT', notKilling))),
  },
  'an epoch is acked before it is served': {
    weather: 'crowded',
    control: (control, role) => (role === 'operator' ? control : acksEarly(control)),
  },
  'a new connection is used without a fresh look at the state': {
    control: (control, role) => (role === 'operator' ? control : looksOnce(control)),
  },
  'lost connections are not ended at the server before the next ack': {
    open: (open, role) => (role === 'operator' ? open : rewriting(open, eachAs('CLIENT', notKilling))),
  },
  'a lost write is sent again': {
    open: (open, role) => (role === 'operator' ? open : resending(open)),
  },
  'an operator’s predecessors go on, under any token': {
    weather: 'successors',
    open: (open, role) => (role === 'client' ? open : notFencing(open)),
  },
  'keys are not scanned': {
    open: (open, role) =>
      role === 'client'
        ? open
        : rewriting(
            open,
            eachAs('SCAN', () => ['SCAN', 0, 'MATCH', 'nothing*']),
          ),
  },
}

type Rewrite = (commands: readonly Command[]) => readonly Command[]

/** Commands that are added must stand last: their replies are dropped. */
function rewriting(open: OpenConnection, rewrite: Rewrite): OpenConnection {
  return sending(open, async (connection, commands) =>
    (await connection.send(rewrite(commands))).slice(0, commands.length),
  )
}

function eachAs(name: string, change: (command: Command) => Command): Rewrite {
  return (commands) => commands.map((command) => (command[0] === name ? change(command) : command))
}

type Send = (connection: RespConnection, commands: readonly Command[]) => ReturnType<RespConnection['send']>

function sending(open: OpenConnection, sendOver: Send): OpenConnection {
  return async (access, options) => {
    const connection = await open(access, options)
    const send = (commands: readonly Command[]) => sendOver(connection, commands)
    return {
      access,
      get isLost() {
        return connection.isLost
      },
      send,
      call: (...command) => callOver({ access, send }, command),
      close: () => connection.close(),
    }
  }
}

function resending(open: OpenConnection): OpenConnection {
  return (access, options) =>
    sending(open, async (connection, commands) => {
      try {
        return await connection.send(commands)
      } catch (error) {
        if (!isUnreachable(error)) throw error
        const another = await open(access, options)
        return await another.send(commands).finally(() => another.close())
      }
    })(access, options)
}

/** WATCH is sent with MULTI only. */
function watchingLate(open: OpenConnection, flags: readonly string[]): OpenConnection {
  const held = new WeakMap<RespConnection, Command[]>()
  return sending(open, async (connection, commands) => {
    const watches = held.get(connection) ?? []
    held.set(connection, watches)
    if (commands[0]?.[0] !== 'MULTI') {
      watches.push(...commands.filter(([name, key]) => name === 'WATCH' && key !== fenceKey))
      return connection.send(
        eachAs('WATCH', (command) => (command[1] === fenceKey ? command : ['PING']))(commands),
      )
    }
    const late = watches.splice(0)
    const replaced = eachAs('RESTORE', (command) => [...command, ...flags])(commands)
    return (await connection.send([...late, ...replaced])).slice(late.length)
  })
}

/** Whoever asks for the token reads its own, and others' connections look like some that nobody needs to end. */
function notFencing(open: OpenConnection): OpenConnection {
  let token = ''
  return sending(open, async (connection, commands) => {
    for (const command of commands) if (command[1] === takeTokenScript) token = String(command[4])
    const replies = await connection.send(commands.map(unfenced))
    return replies.map((reply, index) => {
      const [name, what] = commands[index]!
      if (name === 'GET' && what === fenceKey) return Buffer.from(token)
      return what === 'LIST' ? Buffer.from(String(reply).replaceAll(/cc-op:\S+/g, lookName)) : reply
    })
  })
}

/** EVAL, script, number of keys, gate, keys…, epoch, command… */
function ungated(command: Command): Command {
  return command.slice(3 + Number(command[2]) + 1)
}

/** EVAL, script, number of keys, keys…, arguments… */
function unfenced(command: Command): Command {
  const [name, script, count, ...rest] = command
  if (name === 'WATCH' && script === fenceKey) return ['PING']
  if (script === raiseScript) return [...command.slice(0, -1), '']
  return script === unlinkFencedScript ? ['UNLINK', ...rest.slice(1, Number(count))] : command
}

function notKilling(command: Command): Command {
  return command[1] === 'KILL' ? ['EXISTS', 'nobody'] : command
}

function acksEarly(control: ControlStore): ControlStore {
  let record: ClientRecord | undefined
  return {
    ...control,
    putClient: (client) => {
      record = client
      return control.putClient(client)
    },
    async *watch(signal) {
      for await (const stored of control.watch(signal)) {
        if (record) await control.putClient({ ...record, ackedEpoch: stored.state.epoch })
        yield stored
      }
    },
  }
}

/** Every later look gives what the watch has shown last. */
function looksOnce(control: ControlStore): ControlStore {
  let last: StoredState | undefined
  return {
    ...control,
    load: async () => last ?? (await control.load()),
    async *watch(signal) {
      for await (const stored of control.watch(signal)) {
        last = stored
        yield stored
      }
    },
  }
}
