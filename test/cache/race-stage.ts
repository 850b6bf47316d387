/** Three processes, two nodes, a source of truth, and a scheduler by hand. */
import { CacheWorld, type Process, type Weakness } from '../support/cache-world.js'
import { Steps } from '../support/steps.js'
import type { Race } from './race-table.js'

export class Stage {
  readonly steps: Steps
  readonly world: CacheWorld
  readonly processes: readonly [Process, Process, Process]
  readonly a: Process
  readonly b: Process
  readonly c: Process
  /** The owner of k at first. */
  readonly node: string

  constructor({ cache = {}, tags }: Pick<Race, 'cache' | 'tags'>, weakness?: Weakness) {
    let steps: Steps | undefined
    this.world = new CacheWorld({
      deliver: (time) => {
        steps = new Steps(time)
        return steps.deliver
      },
      cache,
      nodes: ['n1', 'n2', 'n3'],
      ...(weakness ? { weakness } : {}),
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
