/**
 * Settings of a server that are changed for a while and given back, also by the next run after one that died: what they
 * were is on this host's disk before they are changed.
 */
import { refused, stopped } from '../../errors.js'
import type { Settings, SettingsLedger } from '../../operations/hotkeys/server-settings.js'
import { printable } from '../../printable.js'
import { ReplyError } from '../resp.js'
import { type RespConnection, replyFailure } from '../resp-connection.js'
import { nodeName } from '../socket.js'
import type { NodeConnections } from './node-connections.js'

export class BorrowedSettings {
  private readonly before = new Map<string, Settings>()

  constructor(
    private readonly connections: NodeConnections,
    private readonly ledger: SettingsLedger,
  ) {}

  /**
   * Notes what the settings are now, after giving back what a dead run left; they may be changed from here on.
   * Errors: `refused` where they can't be read, or where another run has them.
   */
  async borrow(node: string, during: Settings): Promise<Settings> {
    const known = this.before.get(node)
    if (known) return known
    const connection = await this.connections.of(node)
    const leftover = await this.ledger.leftover(node)
    if (leftover) await restore(connection, leftover.before, leftover.during)
    const before = await readSettings(connection, Object.keys(during))
    await this.ledger.write(node, { before, during })
    this.before.set(node, before)
    return before
  }

  /** Gives all back. Errors: `stopped`, with the commands that do it by hand; the other nodes are given theirs. */
  async giveBack(): Promise<void> {
    const failures: unknown[] = []
    for (const [node, before] of this.before) {
      try {
        await writeSettings(await this.connections.of(node), before)
        await this.ledger.remove(node)
        this.before.delete(node)
      } catch (error) {
        failures.push(failedReturn(nodeName(this.connections.accessOf(node).node), before, error))
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}

function failedReturn(name: string, before: Settings, cause: unknown): Error {
  const commands = Object.entries(before).map(([key, value]) => `CONFIG SET ${key} ${printable(value)}`)
  return stopped(
    `node ${name}: its settings could not be given back`,
    `Run there: ${commands.join('; ')}\nThe next run with this source does it as well.`,
    cause,
  )
}

export async function readSettings(connection: RespConnection, names: readonly string[]): Promise<Settings> {
  const settings: Record<string, string> = {}
  for (const name of names) {
    const reply = await connection.call('CONFIG', 'GET', name)
    const value = Array.isArray(reply) ? reply[1] : undefined
    if (value === undefined)
      throw refused(`node ${nodeName(connection.access.node)}: it has no setting ${name}`)
    settings[name] = String(value)
  }
  return settings
}

export async function writeSettings(connection: RespConnection, settings: Settings): Promise<void> {
  const names = Object.keys(settings)
  // one command each: several in one came with Redis 7
  const replies = await connection.send(names.map((name) => ['CONFIG', 'SET', name, settings[name] ?? '']))
  for (const reply of replies)
    if (reply instanceof ReplyError) throw replyFailure(connection.access, 'CONFIG SET', reply)
}

/** Only what still is as the dead run left it: a restart or a hand may have changed it since. */
async function restore(connection: RespConnection, before: Settings, during: Settings): Promise<void> {
  const now = await readSettings(connection, Object.keys(before))
  const left = Object.entries(before).filter(([name]) => now[name] === during[name])
  await writeSettings(connection, Object.fromEntries(left))
}
