import assert from 'node:assert/strict'
import { TieredCache } from '../../src/cache/cache.js'
import { settingsOf } from '../../src/cache/options.js'
import { systemClock } from '../../src/clock.js'
import { stopped } from '../../src/errors.js'
import { createRandom } from '../../src/random.js'
import { CacheWorld, type Weakness } from '../support/cache-world.js'
import { Steps } from '../support/steps.js'

describe('a cache whose nodes refuse, or of which there are none', () => {
  let world: CacheWorld
  let steps: Steps

  function start(weakness: Weakness = {}): void {
    world = new CacheWorld({
      deliver: (time) => {
        steps = new Steps(time)
        return steps.deliver
      },
      weakness,
    })
  }
  afterEach(() => world.end())

  const refuse = () => Promise.reject(stopped('node n1: OOM command not allowed'))
  const refusing: Weakness = {
    port: (port) => Object.assign(Object.create(port), { getOrLease: refuse, fill: refuse }),
  }

  it('gives readers what is loaded, tells of the refusal, and does not take the node for one that is away', async () => {
    start(refusing)
    const { cache, l2 } = world.start('a')
    assert.deepEqual(await steps.finish(cache.get('k')), { key: 'k', version: 0 })
    assert.deepEqual([...(await steps.finish(cache.getMany(['k', 'm', 'n']))).keys()], ['k', 'm', 'n'])
    assert.match(String(world.errors[0]), /OOM/)
    for (const node of world.fleet.nodes.keys()) assert.ok(l2.isUp(node))
    // nobody waits for what has failed
    assert.deepEqual(await steps.finish(cache.get('m'), { withinMs: 100 }), { key: 'm', version: 0 })
  })

  it('a read of many that joins a load which fails fails as that load does, and nothing else happens', async () => {
    start()
    const { cache } = world.start('a', { load: () => Promise.reject(new Error('the source fails')) })
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', note)
    try {
      const { fleet } = world
      const other = ['l', 'm', 'n', 'o'].find((key) => fleet.ownerOf(`c:${key}`) !== fleet.ownerOf('c:k'))!
      const one = cache.get('k')
      const many = cache.getMany(['k', other])
      many.catch(() => undefined)
      // the other keys are still asked for when the joined load has failed
      await assert.rejects(steps.finish(one, { but: [`get c:${other}`] }), /the source fails/)
      await steps.takeAll()
      await assert.rejects(steps.finish(many), /the source fails/)
      assert.deepEqual(unhandled, [])
    } finally {
      process.off('unhandledRejection', note)
    }
  })

  it('a lease that arrives when nobody waits for it is given back', async () => {
    start()
    const [a, b] = [world.start('a'), world.start('b')]
    const node = world.fleet.ownerOf('c:k')
    assert.equal((await steps.finish(a.get('k'), { but: [`a > ${node}`] }))?.version, 0)
    await steps.takeAll()
    const startedMs = world.time.nowMs()
    await steps.finish(b.get('k'))
    assert.ok(world.time.nowMs() - startedMs < 100)
  })

  it('tags work in the memory of one process too', async () => {
    start()
    let version = 1
    const cache = new TieredCache<number>(
      settingsOf<number>({
        ttl: '1h',
        load: (_, context) => {
          context.tags('t')
          return version
        },
      }),
      { l2: undefined, clock: systemClock, random: createRandom(1) },
    )
    assert.equal(await cache.get('k'), 1)
    version = 2
    assert.equal(await cache.get('k'), 1)
    await cache.invalidate({ tag: 't' })
    assert.equal(await cache.get('k'), 2)
  })
})
