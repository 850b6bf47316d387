/**
 * Runs one command where the ring's state says, by the table of docs/protocol.md §1: plainly, through the gate, or after
 * its keys have been moved. What was certainly not run may be run again; what may have been is the caller's to decide.
 */
import type { Clock } from '../clock.js'
import { CachectlError, ExitCode, invalid, isUnreachable, stopped, unreachable } from '../errors.js'
import type { NodeAccess } from '../operations/ports.js'
import { printable } from '../printable.js'
import type { Route } from '../ring/epoch.js'
import { type CommandTable, readCommandTable } from './command-table.js'
import { type EpochFollower, StaleEpoch } from './epoch-follower.js'
import { closedCode, gatedCommand, gateIsClosed, watchGate } from './gate.js'
import { defaultBigKeyBytes, moveLive } from './move-live.js'
import { transact } from './pair.js'
import { type Command, type Reply, ReplyError } from './resp.js'
import { type RespConnection, replyFailure } from './resp-connection.js'
import type { RingConnections } from './ring-connections.js'
import { wantKeys } from './wanted-keys.js'

/** A write whose reply was lost: it may have happened or not, and only the application knows what to do. */
export class UnknownOutcomeError extends CachectlError {
  constructor(cause: CachectlError) {
    super(`unknown outcome: ${cause.message}`, { exitCode: ExitCode.unreachable, cause })
  }
}

/** Nothing was sent. */
export class SeveralOwnersError extends CachectlError {
  constructor(command: string) {
    super(unsuitableText(command, 'its keys have several owners; a hash tag can keep keys together'), {
      exitCode: ExitCode.invalid,
    })
  }
}

export interface Request {
  readonly command: Command
  readonly keys: readonly Buffer[]
  readonly isWrite: boolean
  /** Whether a script may run it; default true. */
  readonly isScriptable?: boolean
  /** As of `RespConnection.send`. */
  readonly isTold?: boolean
}

export interface RouterOptions {
  readonly follower: EpochFollower
  readonly connections: RingConnections
  readonly clock: Clock
  readonly waitTimeoutMs: number
}

/** What a request came to. */
export interface Answer {
  readonly reply: Reply
  /** The connection that gave it. */
  readonly connection: RespConnection | undefined
}

/** What commands that went at once came to. */
export interface Sent {
  readonly replies: readonly Reply[]
  readonly connection: RespConnection
}

/** A request on its way. */
interface Run extends Request {
  /** Monotonic ms after which it waits for the ring no longer. */
  readonly deadlineMs: number
  /** A write has been handed to a socket: from here on a loss leaves its outcome unknown. */
  isSent: boolean
  answeredBy?: RespConnection
}

const maxAttempts = 6
const firstPauseMs = 40
const pollMs = { first: 10, longest: 250 }
/** The server does not run commands now; it did not run this one. */
const notNow = new Set(['LOADING', 'BUSY', 'MASTERDOWN', 'TRYAGAIN'])

export class CommandRouter {
  constructor(private readonly options: RouterOptions) {}

  async run(request: Request): Promise<Exclude<Reply, ReplyError>> {
    const { reply } = await this.ask(request)
    if (!(reply instanceof ReplyError)) return reply
    throw replyFailure(this.accessFor(request), String(request.command[0]), reply)
  }

  /** Like `run`, but the server's error is a reply too. */
  async ask(request: Request): Promise<Answer> {
    const { follower, clock, waitTimeoutMs } = this.options
    const run: Run = { ...request, deadlineMs: clock.nowMs() + waitTimeoutMs, isSent: false }
    for (let attempt = 1; ; attempt++) {
      const reply = await follower
        .inEpoch(() => this.attempt(run))
        .catch((error: unknown) => this.afterFailure(run, attempt, error))
      if (!(reply instanceof ReplyError)) return { reply, connection: run.answeredBy }
      if (reply.code === closedCode) {
        attempt = 0
        this.requireTime(run)
        await follower.refresh()
      } else if (notNow.has(reply.code) && attempt < maxAttempts) {
        await clock.sleep(firstPauseMs * 2 ** (attempt - 1))
      } else {
        return { reply, connection: run.answeredBy }
      }
    }
  }

  /**
   * Commands on one key, in one write, where nothing is in their way: no change of the ring, and a connection that is
   * there. undefined: nothing was sent. A loss is told as it is: what was sent may have run.
   */
  sendNow(key: Buffer, commands: readonly Command[], isTold?: boolean): Promise<Sent> | undefined {
    const { follower, connections } = this.options
    return follower.inEpochNow(() => {
      if (follower.phase !== 'stable') return undefined
      const connection = connections.peek(follower.routeOf(key).source)
      return connection?.send(commands, isTold).then((replies) => ({ replies, connection }))
    })
  }

  /** Indexes of the keys by where they are; each key that moves now stands alone. */
  groupByOwner(keys: readonly Buffer[]): number[][] {
    const groups = new Map<string, number[]>()
    keys.forEach((key, index) => {
      const { source, target } = this.options.follower.routeOf(key)
      const name = source === target ? source : `${source} ${target} ${index}`
      const group = groups.get(name)
      if (group) group.push(index)
      else groups.set(name, [index])
    })
    return [...groups.values()]
  }

  /** The command table of whichever node answers. */
  async readTable(): Promise<CommandTable> {
    const { follower } = this.options
    let failure: unknown
    for (const { id } of follower.nodes) {
      try {
        return await readCommandTable(await this.connection(id))
      } catch (error) {
        failure = error
        if (error instanceof StaleEpoch) await follower.refresh()
      }
    }
    throw failure instanceof StaleEpoch
      ? unreachable('the ring changed while it was being read; try again')
      : failure
  }

  /** Reads may be repeated, and writes that were certainly not sent (R6): `closedCode` says so. Others are thrown. */
  private async afterFailure(run: Run, attempt: number, failure: unknown): Promise<ReplyError> {
    if (failure instanceof StaleEpoch) return new ReplyError(closedCode, failure.message)
    if (!isUnreachable(failure)) throw failure
    if (run.isSent) throw new UnknownOutcomeError(failure)
    if (attempt >= maxAttempts || this.options.follower.signal.aborted) throw failure
    return new ReplyError('TRYAGAIN', failure.message)
  }

  private attempt(run: Run): Promise<Reply> {
    const { follower } = this.options
    const routes = run.keys.map((key) => follower.routeOf(key))
    const route = routes[0]!
    run.isSent = false
    if (routes.some(({ source, target }) => source !== route.source || target !== route.target)) {
      throw new SeveralOwnersError(String(run.command[0]))
    }
    const { phase } = follower
    if (phase === 'stable' || route.source === route.target) return this.runAt(route.source, run)
    if (route.isLost) {
      if (phase === 'prepare') throw new StaleEpoch()
      return this.runAt(route.target, run)
    }
    // several keys are seen at one moment only where all of them are: through the gate, or moved first
    if (!run.isWrite && run.keys.length === 1) return this.readMoving(route, run)
    return phase === 'prepare' ? this.runGated(route.source, run) : this.runMoved(route, run)
  }

  private async runAt(node: string, run: Run, command = run.command): Promise<Reply> {
    const connection = this.options.connections.peek(node) ?? (await this.connection(node))
    run.isSent = run.isWrite
    run.answeredBy = connection
    const [reply] = await connection.send([command], run.isTold)
    return reply!
  }

  private async runGated(node: string, run: Run): Promise<Reply> {
    const { follower, connections } = this.options
    const { epoch } = follower
    if (run.isScriptable !== false) return this.runAt(node, run, gatedCommand(epoch, run.keys, run.command))
    return connections.lend(
      [node],
      () => follower.requireFresh(),
      async ([connection]) => {
        if (!(await watchGate(connection!, epoch))) return gateIsClosed
        run.isSent = run.isWrite
        run.answeredBy = connection!
        const replies = await transact(connection!, [run.command], String(run.command[0]))
        return replies ? replies[0]! : gateIsClosed
      },
    )
  }

  /** Target, source, target: a key moves in that direction only, so the second look at the target decides. */
  private async readMoving({ source, target }: Route, run: Run): Promise<Reply> {
    const { command, keys } = run
    const exists: Command = ['EXISTS', ...keys]
    run.answeredBy = await this.connection(target)
    const [isThere, found] = await run.answeredBy.send([exists, command])
    if (isThere instanceof ReplyError) return isThere
    if (isThere !== 0) return found!
    run.answeredBy = await this.connection(source)
    const [read, wasThere] = await run.answeredBy.send([command, exists])
    if (wasThere instanceof ReplyError) return wasThere
    if (wasThere !== 0) return read!
    run.answeredBy = await this.connection(target)
    const [last] = await run.answeredBy.send([command])
    return last!
  }

  /** A big key is the operator's to move: copying it here would hold this command up, and the servers with it. */
  private async runMoved(route: Route, run: Run): Promise<Reply> {
    const { follower, connections, clock } = this.options
    const source = await this.connection(route.source)
    const move = { bigKeyBytes: defaultBigKeyBytes, replicas: follower.waitReplicas }
    for (let pauseMs = pollMs.first; ; pauseMs = Math.min(pollMs.longest, pauseMs * 2)) {
      const [there] = await source.send([['EXISTS', ...run.keys]])
      if (there instanceof ReplyError) return there
      if (there === 0) return this.runAt(route.target, run)
      const { big, unconfirmed } = await connections.lend(
        [route.source, route.target],
        () => follower.requireFresh(),
        ([first, second]) => moveLive({ source: first!, target: second! }, run.keys, move),
      )
      if (big.length === 0 && !unconfirmed) continue
      this.requireTime(run)
      if (big.length > 0) await wantKeys(source, big)
      await clock.sleep(pauseMs)
    }
  }

  /** A data connection; a new one is used only when the state is still the one we serve (R5). */
  connection(node: string): Promise<RespConnection> {
    const { connections, follower } = this.options
    return connections.get(node, () => follower.requireFresh())
  }

  private requireTime(run: Run): void {
    const { follower, clock, waitTimeoutMs } = this.options
    if (clock.nowMs() < run.deadlineMs) return
    const waited = `${String(run.command[0])} ${printable(run.keys[0]!, 60)}: waited ${waitTimeoutMs} ms for the change of the ring to go on`
    throw stopped(
      `${waited} (epoch ${follower.epoch}, ${follower.phase})`,
      'The command was not run. `cachectl ring status` shows who is at work; `ring resume` finishes the change.',
    )
  }

  private accessFor({ keys }: Request): NodeAccess {
    const { follower } = this.options
    const { target } = follower.routeOf(keys[0]!)
    const node = follower.nodes.find(({ id }) => id === target)
    if (!node) throw unreachable(`no node ${target}`)
    return { node }
  }
}

export function unsuitable(command: string, why: string): CachectlError {
  return invalid(unsuitableText(command, why))
}

function unsuitableText(command: string, why: string): string {
  return `${printable(command.toUpperCase())} can't run on a ring: ${why}`
}
