/** One seed: clients at work on a ring, an operator that changes it, and all that may go wrong with them meanwhile. */
import { CachectlError } from '../../src/errors.js'
import { firstState } from '../../src/ring/epoch.js'
import { Application, type Seen } from './client.js'
import { Network } from './network.js'
import { FakeNode } from './node.js'
import { operate } from './operator.js'
import { chooseKeys, ownerIn, reversed, type Scene, scenes } from './stage.js'
import { FakeStore } from './store.js'
import { problemsOf } from './verdict.js'
import type { Weakness } from './weakness.js'
import { drawWeather, type Weather } from './weather.js'
import { type Actor, World } from './world.js'

export interface PlayResult {
  /** Empty: every promise was kept. */
  readonly problems: readonly string[]
  readonly sightings: ReadonlyMap<string, number>
  readonly trace: readonly string[]
}

export interface PlayOptions {
  readonly isTraced?: boolean
  readonly weakness?: Weakness
}

const limitMs = 180_000
/** How late news of the ring, and commands of lost connections, may be. */
const latestNewsMs = 2_500
const latestMs = 4_000
const operatorIdleTimeoutMs = 400
const stepNames = ['begin', 'arm', 'prepare', 'flip', 'migrate', 'drain', 'commit', 'end']

export async function play(
  seed: number,
  { isTraced = false, weakness = {} }: PlayOptions = {},
): Promise<PlayResult> {
  const world = new World(seed, { isTraced, isStrict: isTraced || seed % 16 === 0 })
  try {
    const problems = await new Play(world, weakness).run()
    return { problems, sightings: world.sightings, trace: world.trace }
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { problems: [text], sightings: world.sightings, trace: world.trace }
  }
}

class Play {
  private readonly scene
  private readonly nodes
  private readonly keys
  private readonly store
  private readonly network
  private readonly history: Seen[] = []
  /** Who has still something to do; the dead have not. */
  private readonly busy = new Set<Actor>()
  private readonly director = this.actor('director')
  private readonly weather: Weather

  constructor(
    private readonly world: World,
    private readonly weakness: Weakness,
  ) {
    this.weather = drawWeather(world, weakness.weather)
    const { lossProbability, keyCount } = this.weather
    this.scene = world.pick(scenes)
    this.nodes = new Map(this.scene.nodes.map(({ id }) => [id, new FakeNode(id, world)]))
    this.keys = chooseKeys(world, this.scene, keyCount)
    this.store = new FakeStore(world, { ...this.weather, lossProbability: lossProbability / 2, latestNewsMs })
    this.network = new Network(world, this.nodes, { ...this.weather, latestMs })
  }

  async run(): Promise<string[]> {
    const { world, scene } = this
    const owner = ownerIn(scene.before)
    for (const { name, first } of this.keys)
      if (first !== null) this.nodes.get(owner(name))!.put(name, first, 0)
    if (this.weather.hasStrays) this.scatterStrays()
    this.store.stored = { revision: 'first', state: firstState(scene.before) }
    const applications = this.startApplications()
    this.disturb()
    this.track(this.director, this.direct())
    await world.run(limitMs, () => this.busy.size === 0)
    for (const { actor, application } of applications)
      if (actor.isAlive) this.track(actor, application.close())
    // also what is still on its way arrives
    await world.run(limitMs)
    const state = this.store.stored.state
    return problemsOf({
      nodes: this.nodes,
      keys: this.keys,
      history: this.history,
      state,
      endMs: world.stamp() + 1,
    })
  }

  /** Old copies at nodes that will own their keys. */
  private scatterStrays(): void {
    const [before, after] = [ownerIn(this.scene.before), ownerIn(this.scene.after)]
    for (const { name } of this.keys)
      if (before(name) !== after(name)) this.nodes.get(after(name))!.put(name, '3', 0)
  }

  private startApplications() {
    const { world } = this
    const { clientCount, operations, lanes, longestPauseMs, waitProbability, spreadMs, calmAtMs } =
      this.weather
    return Array.from({ length: clientCount }, (_, index) => {
      const actor = this.actor(`c${index + 1}`)
      const isLate = index > 0 && world.chance(0.3)
      // it hears of new epochs long after it was given up, unless it asks
      const isDeaf = world.chance(0.06)
      if (isDeaf) this.store.deafUntilMs.set(actor, world.between(2_000, 5_000))
      const application = new Application({
        world,
        actor,
        control: this.controlOf(actor, 'client'),
        open: this.openOf(actor, 'client'),
        keys: this.keys,
        history: this.history,
        startsMs: isLate ? world.between(0, 200) : 0,
        longestPauseMs: isDeaf ? 600 : longestPauseMs,
        nextChange: () => this.store.nextChange(actor, spreadMs),
        waitProbability,
        operations,
        lanes,
      })
      const leaves = index > 0 && world.chance(0.2)
      this.track(
        actor,
        application.run().then(() => (leaves ? application.close() : undefined)),
      )
      if (index > 0 && calmAtMs > 0 && world.chance(0.08)) {
        world.saw('client dies')
        world.schedule(world.between(0, calmAtMs), undefined, () => this.kill(actor))
      }
      return { actor, application }
    })
  }

  /** Nodes stand still and processes freeze, for a while. */
  private disturb(): void {
    const { world } = this
    const { calmAtMs, disturbances } = this.weather
    for (let i = 0; i < disturbances; i++) {
      world.schedule(world.between(0, Math.min(calmAtMs, 600)), undefined, () => {
        const longMs = world.chance(0.3) ? world.between(100, 3_500) : world.between(1, 60)
        const actors = [...this.busy].filter((actor) => actor !== this.director && actor.isAlive)
        if (world.chance(0.4) || actors.length === 0) {
          world.pick([...this.nodes.values()]).stalledUntilMs = world.nowMs + Math.min(longMs, 1_000)
          world.saw('node stands still')
        } else {
          this.freeze(world.pick(actors), longMs)
        }
      })
    }
  }

  /** Operators come until one has brought each change to its end. */
  private async direct(): Promise<void> {
    const { world } = this
    const clock = world.clockOf(this.director)
    const changes = this.weather.isThereAndBack ? [this.scene, reversed(this.scene)] : [this.scene]
    await clock.sleep(world.between(0, 60))
    for (let number = 1; ; number++) {
      const isAbort = number > 1 && this.isRough() && world.chance(0.15)
      const outcome = await this.letOperate(this.actor(`op${number}`), changes[0]!, isAbort)
      if (outcome === 'done' && !isAbort) changes.shift()
      if (changes.length === 0) {
        await this.untilOperatorsEnd()
        const unfinished = this.unfinished()
        if (!unfinished) return
        changes.push(unfinished)
      }
      if (number > 1) world.saw('operator again')
      await clock.sleep(outcome === 'left' ? world.between(0, 30) : world.between(0, 800))
    }
  }

  /** One that was frozen before it had the lease has begun anew, which is its right, and may have stopped. */
  private unfinished(): Scene | undefined {
    const { stored, isHoldersWork } = this.store
    if (!stored || stored.state.phase === 'stable' || !isHoldersWork) return undefined
    return stored.state.before === this.scene.before ? this.scene : reversed(this.scene)
  }

  private async untilOperatorsEnd(): Promise<void> {
    const clock = this.world.clockOf(this.director)
    while ([...this.busy].some(({ name }) => name.startsWith('op'))) await clock.sleep(50)
  }

  /** `left`: it has died or stopped answering, and another may come. */
  private letOperate(actor: Actor, scene: Scene, isAbort: boolean): Promise<'done' | 'failed' | 'left'> {
    const { world } = this
    const { deathProbability, latencyMs, leaseEndsWithProcess } = this.weather
    const dice = this.isRough() ? world.random.next() / deathProbability : 1
    let isGivenUp = false
    return new Promise((resolve) => {
      const leave = () => {
        isGivenUp = true
        // frozen for longer than its lease, or dead
        if (dice < 0.2) this.freeze(actor, world.between(5_000, 8_000))
        else {
          this.kill(actor)
          if (leaseEndsWithProcess) this.store.endLease()
          world.saw('operator dies')
        }
        resolve('left')
      }
      const fatalStep = world.chance(0.3) ? 'drain' : world.pick(stepNames)
      const isAtStep = dice < 0.6
      if (dice < 1 && !isAtStep) world.schedule(world.between(0, 40 * latencyMs + 60), undefined, leave)
      const work = operate({
        world,
        actor,
        control: this.controlOf(actor, 'operator'),
        open: this.openOf(actor, 'operator'),
        scene,
        dropStrays: this.weather.hasStrays,
        isAbort,
        onStep: (step) => {
          if (isAtStep && step === fatalStep)
            world.schedule(world.between(0, 50 * latencyMs), undefined, leave)
        },
      })
      this.track(
        actor,
        work.then(
          () => resolve('done'),
          (error: unknown) => {
            world.note(() => `${actor.name}: ${String(error)}`)
            if (!(error instanceof CachectlError)) throw error
            // one that wakes after others have finished may take what they have moved for strays; it can't touch them
            if (!isGivenUp && /lie on nodes|passes|differ/.test(error.message)) throw error
            world.saw('operator stops')
            resolve('failed')
          },
        ),
      )
    })
  }

  private isRough(): boolean {
    return this.world.nowMs < this.weather.calmAtMs
  }

  private freeze(actor: Actor, forMs: number): void {
    const { world } = this
    actor.frozenUntilMs = Math.max(actor.frozenUntilMs, world.nowMs + forMs)
    world.saw('process freezes')
    world.note(() => `${actor.name} freezes for ${Math.round(forMs)} ms`)
  }

  private kill(actor: Actor): void {
    if (!actor.isAlive) return
    this.network.die(actor)
    this.busy.delete(actor)
    this.world.note(() => `${actor.name} dies`)
  }

  private track(actor: Actor, work: Promise<unknown>): void {
    this.busy.add(actor)
    work.then(
      () => this.busy.delete(actor),
      (error: unknown) => this.world.fail(error),
    )
  }

  private actor(name: string): Actor {
    return { name, isAlive: true, frozenUntilMs: 0 }
  }

  private controlOf(actor: Actor, role: 'client' | 'operator') {
    const control = this.store.for(actor)
    return this.weakness.control?.(control, role) ?? control
  }

  private openOf(actor: Actor, role: 'client' | 'operator') {
    const open = this.network.openFor(actor, operatorIdleTimeoutMs)
    return this.weakness.open?.(open, role) ?? open
  }
}
