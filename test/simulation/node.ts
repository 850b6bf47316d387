/** A Redis server in memory: keys that expire, WATCH and MULTI, who is connected. One command at a time, each atomic. */
import { type Command, type Reply, ReplyError } from '../../src/redis/resp.js'
import { commands } from './node-commands.js'
import type { World } from './world.js'

export interface Entry {
  value: string | Set<string>
  /** Milliseconds since the epoch; 0: never. */
  expiresAtMs: number
}

/** One connection as the server has it. */
export interface Session {
  readonly id: number
  name: string
  /** Commands between MULTI and EXEC. */
  queue: string[][] | undefined
  isDirty: boolean
  readonly watched: Set<string>
  /** Ends it; nothing that it has sent and that was not executed yet ever is. */
  readonly kill: () => void
}

export class FakeNode {
  readonly sessions = new Map<number, Session>()
  /** The keys that a SCAN under way still has to give, by its cursor. */
  readonly scans = new Map<number, string[]>()
  stalledUntilMs = 0
  private readonly data = new Map<string, Entry>()
  private readonly watchers = new Map<string, Set<Session>>()
  private lastSession = 0

  constructor(
    readonly id: string,
    readonly world: World,
  ) {}

  connect(kill: (session: Session) => void): Session {
    const session: Session = {
      id: ++this.lastSession,
      name: '',
      queue: undefined,
      isDirty: false,
      watched: new Set(),
      kill: () => {
        this.disconnect(session)
        kill(session)
      },
    }
    this.sessions.set(session.id, session)
    return session
  }

  disconnect(session: Session): void {
    this.sessions.delete(session.id)
    this.unwatch(session)
  }

  execute(session: Session, command: Command): Reply {
    const words = command.map((part) => (typeof part === 'object' ? latin1(part) : String(part)))
    const name = words[0]!.toUpperCase()
    if (name === 'EXEC') return this.exec(session)
    if (session.queue) {
      session.queue.push(words)
      return 'QUEUED'
    }
    switch (name) {
      case 'MULTI':
        session.queue = []
        return 'OK'
      case 'WATCH':
        for (const key of words.slice(1)) this.watch(session, key)
        return 'OK'
      case 'UNWATCH':
        this.unwatch(session)
        return 'OK'
      default:
        return this.run(session, words)
    }
  }

  /** A command by itself; unknown ones are a mistake of the simulation, not a reply. */
  run(session: Session, words: readonly string[]): Reply {
    const command = commands[words[0]!.toUpperCase()]
    if (!command) throw new Error(`the simulated node has no command ${words.join(' ').slice(0, 200)}`)
    return command(this, words.slice(1), session)
  }

  get(key: string): Entry | undefined {
    const entry = this.data.get(key)
    if (!entry || entry.expiresAtMs === 0 || this.world.wallMs() <= entry.expiresAtMs) return entry
    this.data.delete(key)
    this.touch(key)
    this.world.saw('expiry')
    return undefined
  }

  text(key: string): string | undefined {
    const entry = this.get(key)
    if (typeof entry?.value === 'object') throw new Error(`${key} is no string`)
    return entry?.value
  }

  put(key: string, value: string | Set<string>, expiresAtMs: number): void {
    this.data.set(key, { value, expiresAtMs })
    this.touch(key)
  }

  /** What is absent is not touched. */
  remove(key: string): boolean {
    if (!this.get(key)) return false
    this.data.delete(key)
    this.touch(key)
    return true
  }

  touch(key: string): void {
    for (const session of this.watchers.get(key) ?? []) session.isDirty = true
  }

  /** All that it holds now, expired keys left out. */
  keys(): string[] {
    return [...this.data.keys()].filter((key) => this.get(key) !== undefined)
  }

  private watch(session: Session, key: string): void {
    this.get(key)
    session.watched.add(key)
    const watching = this.watchers.get(key) ?? new Set()
    this.watchers.set(key, watching.add(session))
  }

  private unwatch(session: Session): void {
    for (const key of session.watched) this.watchers.get(key)?.delete(session)
    session.watched.clear()
    session.isDirty = false
  }

  private exec(session: Session): Reply {
    const { queue } = session
    if (!queue) return new ReplyError('ERR', 'ERR EXEC without MULTI')
    session.queue = undefined
    for (const key of session.watched) this.get(key)
    const { isDirty } = session
    this.unwatch(session)
    if (isDirty) {
      this.world.saw('EXEC nil')
      return null
    }
    return queue.map((words) => this.run(session, words))
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
