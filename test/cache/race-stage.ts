/** Three processes, two nodes, a source of truth, and a scheduler by hand. */
import assert from 'node:assert/strict'
import type { Random } from '../../src/random.js'
import { CacheWorld, type Process, type Weakness } from '../support/cache-world.js'
import { Steps } from '../support/steps.js'
import type { Race } from './race-table.js'

/** Of a split key the first copy is read. */
const firstCopy: Random = { seed: 0, next: () => 0.5, uint32: () => 0, below: () => 0 }

export function playRaces(all: readonly Race[]): void {
  for (const race of all) {
    it(`race ${race.race}`, () => play(race))
    for (const [name, weakness] of Object.entries(race.broken)) {
      it(`… is lost where ${name}`, async () => {
        await assert.rejects(play(race, weakness), assert.AssertionError)
      })
    }
  }
}

async function play(race: Race, weakness?: Weakness): Promise<void> {
  const stage = new Stage(race, weakness)
  try {
    await race.play(stage)
  } finally {
    stage.world.end()
  }
}

export class Stage {
  readonly steps: Steps
  readonly world: CacheWorld
  readonly processes: readonly [Process, Process, Process]
  readonly a: Process
  readonly b: Process
  readonly c: Process
  /** The owner of k at first. */
  readonly node: string

  constructor({ cache = {}, tags, tracking }: Race, weakness?: Weakness) {
    let steps: Steps | undefined
    this.world = new CacheWorld({
      deliver: (time) => {
        steps = new Steps(time)
        return steps.deliver
      },
      cache,
      nodes: ['n1', 'n2', 'n3'],
      ...(weakness ? { weakness } : {}),
      ...(tracking ? { tracking, random: firstCopy } : {}),
    })
    this.steps = steps!
    const { world } = this
    const [a, b, c] = ['a', 'b', 'c'].map((name) =>
      world.start(
        name,
        tags
          ? {
              load: (key, context) => {
                context.tags(...tags)
                return world.source.read(key, name)
              },
            }
          : {},
      ),
    )
    this.a = a!
    this.b = b!
    this.c = c!
    this.processes = [a!, b!, c!]
    this.node = world.fleet.ownerOf('c:k')
  }

  readonly version = async (process: Process, but: readonly string[] = []): Promise<number | undefined> =>
    (await this.steps.finish(process.get('k'), { but }))?.version
}
