/**
 * An exhaustive model of docs/protocol.md: one key, its old owner X and its new owner Y, two clients, one operator.
 * Every interleaving of atomic server commands is explored, with operators that are killed at any step, replies that are
 * lost and commands that arrive late, clients that are fenced, crash or join. Every finished history must be
 * linearizable, and a weakened protocol must not be.
 */

export const kinds = ['get', 'set', 'del', 'append'] as const
export type Kind = (typeof kinds)[number]

/** The protocol as implemented; a variant changes one thing. */
export const protocol = {
  /** How keys are copied: with WATCH, by DUMP and RESTORE alone, by RESTORE REPLACE, or by MIGRATE. */
  copy: 'watch' as 'watch' | 'dump' | 'replace' | 'migrate',
  /** What a client does with a moving key in *migrate*: MOVE first; write the target; SET new and DEL old; for SET only. */
  write: 'move' as 'move' | 'target' | 'both' | 'setFast',
  /** *prepare* and its gate; `none`: from stable straight to migrate. */
  prepare: 'gate' as 'gate' | 'open' | 'none',
  barrier: true,
  thirdRead: true,
  clearStrays: 'before' as 'before' | 'late' | 'never',
  registerFirst: true,
  rereadAfterKill: true,
  drain: true,
  fenceOperator: true,
  killClears: true,
  commitWhenEmpty: true,
  retryUnknown: false,
  // what may happen
  crashes: 1,
  lateReplies: 0,
  clientCrashes: 0,
  joiner: false,
  stray: false,
  abort: false,
  back: false,
  ttl: 'never' as 'never' | 'first' | 'set',
}
export type Options = typeof protocol

type Server = 0 | 1
type Value = string | null
/** A copy in somebody's hands; `expired` is one whose time has come: RESTORE then creates nothing. */
type Held = Value | 'expired'
interface Watch {
  server: Server
  touched: boolean
}
interface Late {
  kind: 'exec' | 'restore' | 'unlink' | 'op' | 'gated'
  server: Server
  held: Held
  op: number
  who: number
  epoch: number
  watch: Watch | null
}
interface Actor {
  pc: string
  held: Held
  watch: Watch | null
}
interface Client extends Actor {
  epoch: number
  acked: number
  connected: boolean
  registered: boolean
  next: number
  dead: boolean
  found: number
}
interface Past {
  status: 'no' | 'pending' | 'done' | 'unknown'
  before: number
  result: Value | number
}
interface State {
  value: [Value, Value]
  gate: [number, number]
  epoch: number
  operator: Actor
  clients: [Client, Client]
  late: Late[]
  history: Past[]
  crashes: number
  lateReplies: number
  clientCrashes: number
  /** Bit mask of what was done when the key expired, or -1. */
  expired: number
}
type Step = [label: string, next: State]

const X: Server = 0
const Y: Server = 1
const operatorId = 2

/** Why the protocol fails for these operations, or undefined; and the number of states seen. */
export function explore(
  options: Options,
  programs: readonly [readonly Kind[], readonly Kind[]],
  first: Value,
  limit = 3_000_000,
): { violation: string | undefined; states: number } {
  const model = new Model(options, programs, first)
  const stack = [model.start()]
  const seen = new Set(stack.map(keyOf))
  while (stack.length > 0) {
    const state = stack.pop()!
    const steps = model.steps(state)
    const arriving = model.arrivals(state)
    if (steps.length === 0) {
      const violation = model.judge(state)
      if (violation) return { violation, states: seen.size }
    }
    for (const [, next] of [...steps, ...arriving]) {
      const key = keyOf(next)
      if (seen.has(key)) continue
      seen.add(key)
      stack.push(next)
    }
    if (seen.size > limit) return { violation: 'the limit of states', states: seen.size }
  }
  return { violation: undefined, states: seen.size }
}

class Model {
  private readonly ops: Kind[]

  constructor(
    private readonly options: Options,
    private readonly programs: readonly [readonly Kind[], readonly Kind[]],
    private readonly first: Value,
  ) {
    this.ops = [...programs[0], ...programs[1]]
  }

  start(): State {
    const { crashes, lateReplies, clientCrashes, joiner, stray } = this.options
    const client = (joins: boolean): Client => ({
      pc: 'idle',
      held: null,
      watch: null,
      epoch: joins ? -1 : 0,
      acked: joins ? -1 : 0,
      connected: !joins,
      registered: !joins,
      next: 0,
      dead: false,
      found: 0,
    })
    return {
      value: [this.first, stray ? 's' : null],
      gate: [0, 0],
      epoch: 0,
      operator: { pc: 'clear', held: null, watch: null },
      clients: [client(false), client(joiner)],
      late: [],
      history: this.ops.map(() => ({ status: 'no', before: 0, result: null })),
      crashes,
      lateReplies,
      clientCrashes,
      expired: -1,
    }
  }

  steps(state: State): Step[] {
    const out: Step[] = []
    for (const index of [0, 1]) this.client(state, index, out)
    this.operator(state, out)
    if (this.options.ttl !== 'never' && state.expired < 0) this.expire(state, out)
    return out
  }

  /** Late commands arrive at any time, or never. */
  arrivals(state: State): Step[] {
    return state.late.map((message, index): Step => {
      const next = copyOf(state)
      next.late.splice(index, 1)
      const { kind, server, held, op, epoch, watch } = message
      if (kind === 'unlink') this.put(next, server, null)
      else if (kind === 'restore') this.restore(next, server, held)
      else if (kind === 'exec' && !watch?.touched) this.restore(next, server, held)
      else if (kind === 'op' || (kind === 'gated' && epoch >= next.gate[server])) this.apply(next, server, op)
      return [`late ${kind}`, next]
    })
  }

  judge(state: State): string | undefined {
    if (state.operator.pc !== 'done') return `the operator is stuck at ${state.operator.pc}`
    for (const client of state.clients)
      if (!client.dead && client.pc !== 'idle') return `a client is stuck at ${client.pc}`
    const owner = this.sourceOf(state.epoch)
    if (!this.isLinearizable(state, state.value[owner])) return 'not linearizable'
    return undefined
  }

  // epochs 0 stable, 1 prepare, 2 migrate, 3 stable at Y; then 4, 5, 6 for the way back, or after an abort
  private phase(epoch: number): number {
    return epoch % 3
  }

  private sourceOf(epoch: number): Server {
    return this.options.abort
      ? epoch >= 9
        ? Y
        : epoch >= 6 || epoch < 3
          ? X
          : Y
      : Math.floor(epoch / 3) % 2 === 0
        ? X
        : Y
  }

  private get lastEpoch(): number {
    return this.options.back ? 6 : 3
  }

  private client(state: State, index: number, out: Step[]) {
    const self = state.clients[index]!
    if (self.dead) return
    const name = 'AB'[index]!
    const program = this.programs[index]!
    const op = (index === 0 ? 0 : this.programs[0].length) + self.next
    const kind = program[self.next]
    const step = (label: string, act: (next: State, me: Client) => void) => {
      const next = copyOf(state)
      act(next, next.clients[index]!)
      out.push([`${name} ${label}`, next])
    }
    if (self.pc === 'idle') return this.idle(state, index, { kind, op, step })
    if (state.clientCrashes > 0) {
      step('crashes', (next, me) => {
        next.clientCrashes -= 1
        me.dead = true
        me.watch = null
      })
    }
    if (!self.connected && self.pc === 'second') {
      step('was cut after its first write', (next, me) => this.unknown(next, me, op))
      return
    }
    if (!self.connected && self.pc !== 'restart') {
      step('was cut', (_, me) => {
        Object.assign(me, { pc: 'restart', watch: null, held: null })
      })
      return
    }
    if (self.pc === 'restart') {
      step('reconnects', (next, me) => {
        this.readState(next, me, index, !this.options.rereadAfterKill)
        me.pc = 'start'
      })
      return
    }
    if (self.pc === 'wait') {
      if (state.epoch <= self.epoch) return
      step('reads the state', (next, me) => {
        this.readState(next, me, index, false)
        me.pc = 'start'
      })
      return
    }
    this.operate(state, index, { kind: kind!, op, step })
  }

  private idle(state: State, index: number, run: { kind: Kind | undefined; op: number; step: ClientStep }) {
    const self = state.clients[index]!
    const { kind, op, step } = run
    if (!self.registered) {
      if (this.options.registerFirst || self.epoch >= 0) {
        step('registers', (_, me) => {
          me.registered = true
          me.acked = this.options.registerFirst ? -1 : me.epoch
        })
      }
      if (!this.options.registerFirst && self.epoch < 0) {
        step('reads the state unregistered', (next, me) => {
          me.epoch = next.epoch
          me.connected = true
        })
      }
      if (this.options.registerFirst || self.epoch < 0) return
    }
    if (kind === undefined) return
    if (self.registered && (self.epoch !== state.epoch || !self.connected)) {
      step('reads the state', (next, me) =>
        this.readState(next, me, index, !me.connected && !this.options.rereadAfterKill && me.epoch >= 0),
      )
    }
    if (self.connected && self.epoch >= 0 && self.registered) {
      step(`calls ${kind}`, (next, me) => {
        const past = next.history[op]!
        past.status = 'pending'
        past.before = doneMask(next)
        me.pc = 'start'
      })
    }
  }

  private readState(next: State, me: Client, index: number, keepsEpoch: boolean) {
    if (!keepsEpoch) me.epoch = next.epoch
    me.connected = true
    if (this.options.drain) dropLate(next, index)
    if (!keepsEpoch) me.acked = me.epoch
  }

  private operate(state: State, index: number, run: { kind: Kind; op: number; step: ClientStep }) {
    const self = state.clients[index]!
    const { kind, op, step } = run
    const phase = this.phase(self.epoch)
    const source = this.sourceOf(self.epoch)
    const target = (1 - source) as Server
    if (kind === 'get') return this.get(state, index, { op, step, phase, source, target })
    if (phase === 0) return this.mutate(state, { index, op, step, server: source, kind: 'op' })
    if (phase === 1) {
      if (this.options.prepare === 'open')
        return this.mutate(state, { index, op, step, server: source, kind: 'op' })
      if (self.epoch >= state.gate[source])
        return this.mutate(state, { index, op, step, server: source, kind: 'gated' })
      step('is refused by the gate', (_, me) => {
        me.pc = 'wait'
      })
      return
    }
    const { write } = this.options
    if ((write === 'both' && kind !== 'append') || (write === 'setFast' && kind === 'set')) {
      return this.writeBoth(state, { index, op, step, kind, source, target })
    }
    if (write === 'target' || self.pc === 'apply')
      return this.mutate(state, { index, op, step, server: target, kind: 'op' })
    const moved = (me: Actor) => Object.assign(me, { pc: 'apply', watch: null, held: null })
    this.move(state, {
      who: index,
      source,
      target,
      moved,
      out: (label, act) => step(label, (next, me) => act(next, me)),
    })
  }

  private get(
    state: State,
    index: number,
    run: { op: number; step: ClientStep; phase: number; source: Server; target: Server },
  ) {
    const { op, step, phase, source, target } = run
    const { pc } = state.clients[index]!
    const finish = (server: Server) =>
      step(`reads ${'XY'[server]}`, (next, me) => this.finish(next, me, op, next.value[server]))
    if (phase === 0) return finish(source)
    const look = (server: Server, after: string | undefined) => {
      if (state.value[server] !== null || after === undefined) return finish(server)
      step(`misses at ${'XY'[server]}`, (_, me) => {
        me.pc = after
      })
    }
    if (pc === 'start') return look(target, 'look2')
    if (pc === 'look2') return look(source, this.options.thirdRead ? 'look3' : undefined)
    return look(target, undefined)
  }

  private mutate(
    state: State,
    run: { index: number; op: number; step: ClientStep; server: Server; kind: 'op' | 'gated' },
  ) {
    const { index, op, step, server, kind } = run
    step(`${this.ops[op]} at ${'XY'[server]}`, (next, me) =>
      this.finish(next, me, op, this.apply(next, server, op)),
    )
    if (state.lateReplies === 0) return
    step('loses the reply', (next, me) => {
      this.send(next, { kind, server, held: null, op, who: index, epoch: me.epoch, watch: null })
      if (this.options.retryUnknown) me.pc = 'start'
      else this.unknown(next, me, op)
    })
  }

  /** The obvious rules that lose data: SET at the new owner then DEL at the old one; DEL at both. */
  private writeBoth(
    state: State,
    run: { index: number; op: number; step: ClientStep; kind: Kind; source: Server; target: Server },
  ) {
    const { op, step, kind, source, target } = run
    const [one, other] = kind === 'set' ? [target, source] : [source, target]
    if (state.clients[run.index]!.pc === 'start') {
      step('writes one owner', (next, me) => {
        me.found = next.value[one] === null ? 0 : 1
        this.put(next, one, kind === 'set' ? String(op) : null)
        me.pc = 'second'
      })
      return
    }
    step('clears the other owner', (next, me) => {
      const found = me.found || (next.value[other] === null ? 0 : 1)
      this.put(next, other, null)
      this.finish(next, me, op, kind === 'set' ? 1 : found)
    })
  }

  private operator(state: State, out: Step[]) {
    const { pc } = state.operator
    const { epoch } = state
    const phase = this.phase(epoch)
    const source = this.sourceOf(epoch)
    const target = (1 - source) as Server
    const step = (label: string, act: (next: State, me: Actor) => void) => {
      const next = copyOf(state)
      act(next, next.operator)
      out.push([`operator ${label}`, next])
    }
    const go = (label: string, to: string, act: (next: State) => void = () => {}) =>
      step(label, (next, me) => {
        act(next)
        me.pc = to
      })
    if (pc === 'done') return
    if (pc !== 'crashed' && state.crashes > 0) {
      step('is killed', (next, me) => {
        next.crashes -= 1
        Object.assign(me, { pc: 'crashed', held: null, watch: null })
      })
    }
    switch (pc) {
      case 'crashed': {
        const stable = epoch === 0 ? 'clear' : 'settle'
        return go('starts again', phase === 0 ? stable : phase === 1 ? 'barrier' : 'scan', (next) => {
          if (this.options.fenceOperator) dropLate(next, operatorId)
        })
      }
      case 'clear':
        return go('clears strays', 'prepare', (next) => {
          if (this.options.fenceOperator) dropLate(next, operatorId)
          if (this.options.clearStrays === 'before') this.put(next, target, null)
        })
      case 'prepare':
        return this.options.prepare === 'none'
          ? go('publishes migrate', this.options.barrier ? 'barrierNone' : 'scan', (next) => {
              next.epoch += 2
            })
          : go('publishes prepare', this.options.barrier ? 'barrier' : 'flip', (next) => {
              next.epoch += 1
            })
      case 'barrier':
      case 'barrierNone':
      case 'settle':
        return this.barrier(state, { step, go, pc })
      case 'flip':
        if (this.options.abort && epoch === 1)
          go('aborts', 'settle', (next) => Object.assign(next, { epoch: 6 }))
        return go('raises the gate', 'publish', (next) => {
          next.gate[source] = epoch + 1
        })
      case 'publish':
        if (this.options.abort && epoch === 1)
          go('aborts after the flip', 'settle', (next) => Object.assign(next, { epoch: 6 }))
        return go('publishes migrate', 'scan', (next) => {
          next.epoch += 1
        })
      case 'scan':
        if (state.value[source] !== null && this.options.commitWhenEmpty) return go('finds the key', 'start')
        return go('commits', 'settle', (next) => {
          next.epoch += 1
        })
      default: {
        const moved = (me: Actor) => Object.assign(me, { pc: 'scan', watch: null, held: null })
        this.move(state, { who: operatorId, source, target, moved, out: (label, act) => step(label, act) })
      }
    }
  }

  private barrier(
    state: State,
    {
      go,
      step,
      pc,
    }: { go: Go; step: (label: string, act: (next: State, me: Actor) => void) => void; pc: string },
  ) {
    let isPassed = true
    state.clients.forEach((client, index) => {
      if (!client.registered || client.acked >= state.epoch || !client.connected) return
      const isIdle = client.pc === 'idle' && client.next >= this.programs[index]!.length && !client.dead
      const isDrained = !this.options.drain || !state.late.some(({ who }) => who === index)
      if (isIdle && isDrained) return // it would ack at once
      isPassed = false
      step(`fences ${'AB'[index]}`, (next) => {
        next.clients[index]!.connected = false
        if (this.options.killClears) dropLate(next, index)
      })
    })
    if (!isPassed) return
    if (pc === 'barrierNone') return go('all follow', 'scan')
    if (pc === 'barrier') {
      return go('all follow', 'flip', (next) => {
        if (this.options.clearStrays === 'late')
          this.put(next, (1 - this.sourceOf(next.epoch)) as Server, null)
      })
    }
    const isLast = this.options.abort
      ? state.epoch === 9 || state.epoch === 3
      : state.epoch === this.lastEpoch
    go('all follow', isLast ? 'done' : 'clear')
  }

  /** MOVE, for clients and operator; `moved` continues when the source is empty. */
  private move(
    state: State,
    run: {
      who: number
      source: Server
      target: Server
      moved: (me: Actor) => void
      out: (label: string, act: (next: State, me: Actor) => void) => void
    },
  ) {
    const { who, source, target, moved, out } = run
    const actor = who === operatorId ? state.operator : state.clients[who]!
    const { copy } = this.options
    const mayLose = state.lateReplies > 0
    const lose = (label: string, message: Pick<Late, 'kind' | 'server' | 'held' | 'watch'>) =>
      out(`${label}: the reply is lost`, (next, me) => {
        this.send(next, { ...message, op: 0, who, epoch: 0 })
        Object.assign(me, { pc: 'watch', held: null, watch: null })
      })
    switch (actor.pc) {
      case 'start':
        return out('EXISTS', (next, me) => {
          if (next.value[source] === null) moved(me)
          else me.pc = copy === 'migrate' ? 'migrate' : 'watch'
        })
      case 'watch':
        return out('WATCH', (_, me) => {
          me.watch = copy === 'watch' ? { server: target, touched: false } : null
          me.pc = copy === 'migrate' ? 'migrate' : 'dump'
        })
      case 'dump':
        return out('DUMP', (next, me) => {
          me.held = next.value[source]
          if (me.held === null) moved(me)
          else me.pc = 'exec'
        })
      case 'exec': {
        const isFree = !actor.watch?.touched
        out('EXEC', (next, me) => {
          if (copy === 'replace' && me.held !== 'expired') this.put(next, target, me.held)
          else if (isFree) this.restore(next, target, me.held)
          Object.assign(me, { pc: isFree ? 'unlink' : 'watch', held: null, watch: null })
        })
        if (mayLose) {
          const kind = copy === 'watch' ? 'exec' : 'restore'
          lose('EXEC', { kind, server: target, held: actor.held, watch: actor.watch })
        }
        return
      }
      case 'migrate':
        out('MIGRATE', (next, me) => {
          if (next.value[source] === null) return moved(me)
          if (next.value[target] !== null) {
            me.pc = 'unlink'
            return
          }
          this.put(next, target, next.value[source])
          this.put(next, source, null)
          moved(me)
        })
        if (mayLose && state.value[source] !== null) {
          lose('MIGRATE', { kind: 'restore', server: target, held: state.value[source], watch: null })
        }
        return
      case 'unlink':
        out('UNLINK', (next, me) => {
          this.put(next, source, null)
          moved(me)
        })
        if (mayLose) lose('UNLINK', { kind: 'unlink', server: source, held: null, watch: null })
        return
      default:
        throw new Error(`no such step: ${actor.pc}`)
    }
  }

  private expire(state: State, out: Step[]) {
    const next = copyOf(state)
    next.expired = doneMask(state)
    for (const server of [X, Y]) if (this.isVolatile(next.value[server])) this.put(next, server, null)
    for (const actor of [next.operator, ...next.clients])
      if (this.isVolatile(actor.held)) actor.held = 'expired'
    for (const message of next.late) if (this.isVolatile(message.held)) message.held = 'expired'
    out.push(['the key expires', next])
  }

  /** The first value expires, or those that a SET has written. */
  private isVolatile(value: Held): boolean {
    if (value === null || value === 'expired') return false
    return this.options.ttl === 'first' ? value[0] === 'i' : this.ops[Number(value[0])] === 'set'
  }

  private send(next: State, message: Late) {
    next.lateReplies -= 1
    next.late.push(message)
  }

  private restore(next: State, server: Server, held: Held) {
    if (held !== 'expired' && next.value[server] === null) this.put(next, server, held)
  }

  private put(next: State, server: Server, value: Value) {
    // DEL of an absent key touches nothing
    if (value === null && next.value[server] === null) return
    next.value[server] = value
    for (const watch of [
      next.operator.watch,
      ...next.clients.map((client) => client.watch),
      ...next.late.map((each) => each.watch),
    ]) {
      if (watch?.server === server) watch.touched = true
    }
  }

  private apply(next: State, server: Server, op: number): Value | number {
    const value = next.value[server]
    const [after, result] = effect(this.ops[op]!, value, op)
    this.put(next, server, after)
    return result
  }

  private finish(next: State, me: Client, op: number, result: Value | number) {
    Object.assign(next.history[op]!, { status: 'done', result })
    Object.assign(me, { pc: 'idle', next: me.next + 1, held: null, watch: null, found: 0 })
  }

  private unknown(next: State, me: Client, op: number) {
    next.history[op]!.status = 'unknown'
    Object.assign(me, { pc: 'idle', next: me.next + 1, held: null, watch: null, found: 0 })
  }

  private isLinearizable({ history, expired }: State, last: Value): boolean {
    const all = history.length
    const expiry = all
    const place = (placed: number, value: Value): boolean => {
      const rest = history.some(({ status }, op) => status === 'done' && !(placed & (1 << op)))
      if (!rest && (expired < 0 || placed & (1 << expiry)) && value === last) return true
      if (expired >= 0 && !(placed & (1 << expiry)) && (expired & placed) === expired) {
        if (place(placed | (1 << expiry), this.isVolatile(value) ? null : value)) return true
      }
      return history.some(({ status, before, result }, op) => {
        if (status === 'no' || placed & (1 << op) || (before & placed) !== before) return false
        const [after, answer] = effect(this.ops[op]!, value, op)
        if (status === 'done' && answer !== result) return false
        return place(placed | (1 << op), after)
      })
    }
    return place(0, this.first)
  }
}

type ClientStep = (label: string, act: (next: State, me: Client) => void) => void
type Go = (label: string, to: string, act?: (next: State) => void) => void

/** The value afterwards, and the answer. */
function effect(kind: Kind, value: Value, op: number): [Value, Value | number] {
  switch (kind) {
    case 'get':
      return [value, value]
    case 'set':
      return [String(op), 1]
    case 'del':
      return [null, value === null ? 0 : 1]
    case 'append':
      return [`${value ?? ''}${op}`, `${value ?? ''}${op}`]
    default:
      return kind satisfies never
  }
}

function doneMask({ history, expired }: State): number {
  const done = history.reduce((mask, { status }, op) => (status === 'done' ? mask | (1 << op) : mask), 0)
  return expired >= 0 ? done | (1 << history.length) : done
}

function dropLate(next: State, who: number) {
  next.late = next.late.filter((message) => message.who !== who)
}

/** By hand, each field by its name: millions of states go through here, and JSON takes twenty times as long. */
function copyOf(state: State): State {
  const { value, gate, epoch, operator, clients, late, history } = state
  return {
    value: [value[0], value[1]],
    gate: [gate[0], gate[1]],
    epoch,
    operator: { pc: operator.pc, held: operator.held, watch: watchCopy(operator.watch) },
    clients: [clientCopy(clients[0]), clientCopy(clients[1])],
    late: late.map(lateCopy),
    history: history.map(pastCopy),
    crashes: state.crashes,
    lateReplies: state.lateReplies,
    clientCrashes: state.clientCrashes,
    expired: state.expired,
  }
}

function clientCopy(client: Client): Client {
  return {
    pc: client.pc,
    held: client.held,
    watch: watchCopy(client.watch),
    epoch: client.epoch,
    acked: client.acked,
    connected: client.connected,
    registered: client.registered,
    next: client.next,
    dead: client.dead,
    found: client.found,
  }
}

function lateCopy({ kind, server, held, op, who, epoch, watch }: Late): Late {
  return { kind, server, held, op, who, epoch, watch: watchCopy(watch) }
}

function pastCopy({ status, before, result }: Past): Past {
  return { status, before, result }
}

function watchCopy(watch: Watch | null): Watch | null {
  return watch && { server: watch.server, touched: watch.touched }
}

/** The same for equal states only: a character for each field, so that it is short. */
function keyOf(state: State): string {
  const { value, gate, epoch, operator, clients, late, history } = state
  const fields = [
    codeOf(value[0]),
    codeOf(value[1]),
    gate[0],
    gate[1],
    epoch,
    state.crashes,
    state.lateReplies,
    state.clientCrashes,
    state.expired + 1,
    codeOf(operator.pc),
    codeOf(operator.held),
    watchCode(operator.watch),
  ]
  for (const client of clients) {
    fields.push(
      codeOf(client.pc),
      codeOf(client.held),
      watchCode(client.watch),
      client.epoch + 1,
      client.acked + 1,
      (client.connected ? 1 : 0) + (client.registered ? 2 : 0) + (client.dead ? 4 : 0) + client.found * 8,
      client.next,
    )
  }
  for (const { status, before, result } of history) fields.push(codeOf(status), before, codeOf(result))
  for (const { kind, server, held, op, who, epoch: sent, watch } of late)
    fields.push(codeOf(kind), server, codeOf(held), op, who, sent, watchCode(watch))
  return String.fromCharCode(...fields)
}

const codes = new Map<string | number | null, number>()

function codeOf(word: string | number | null): number {
  const known = codes.get(word)
  if (known !== undefined) return known
  codes.set(word, codes.size)
  return codes.size - 1
}

function watchCode(watch: Watch | null): number {
  return watch ? 1 + watch.server * 2 + (watch.touched ? 1 : 0) : 0
}
