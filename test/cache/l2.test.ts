import type { L2Port } from '../../src/cache/ports.js'
import { openCacheRing } from '../../src/open-cache.js'
import type { CacheRing } from '../../src/redis/cache-ring.js'
import { FakeFleet, type FakeL2 } from '../support/fake-l2.js'
import { startServers, type TestServers } from '../support/redis-servers.js'
import { settle, VirtualTime } from '../support/virtual-time.js'
import { l2Contract } from './l2-contract.js'

describe('second tiers', () => {
  let time: VirtualTime | undefined
  let servers: TestServers | undefined
  let rings: CacheRing[] = []
  let fakes: FakeL2[] = []

  after(async () => {
    for (const fake of fakes) fake.end()
    for (const ring of rings) await ring.close()
    rings = []
    await servers?.stop()
  })
  afterEach(() => time?.uninstall())

  l2Contract('the fake', async () => {
    time = VirtualTime.install()
    time.uninstall()
    const fleet = new FakeFleet({ time, deliver: () => Promise.resolve(), nodes: ['n1'] })
    const [a, b] = [fleet.client('a'), fleet.client('b')]
    fakes = [a, b]
    return { a, b, plain: a, settle }
  })

  l2Contract('the fake, told of what it asks for', async () => {
    time = VirtualTime.install()
    time.uninstall()
    const fleet = new FakeFleet({ time, deliver: () => Promise.resolve(), nodes: ['n1'] })
    const [a, b] = [fleet.client('a', 'hot'), fleet.client('b', 'hot')]
    fakes = [...fakes, a, b]
    return { a: asking(a), b: asking(b), plain: a, settle }
  })

  const open = async (tracking: 'all' | 'hot') => {
    servers ??= await startServers(1)
    const { url } = servers.servers[0]!
    const [a, b] = await Promise.all([openCacheRing(url, { tracking }), openCacheRing(url, { tracking })])
    rings = [...rings, a, b]
    const ping = async (ring: CacheRing) => {
      for (const node of ring.ring.nodeIds) await (await ring.ring.connectionTo(node)).call('PING')
    }
    // what is told comes before the answer
    return { a, b, plain: a, settle: async () => void (await Promise.all([ping(a), ping(b)])) }
  }
  l2Contract('real servers', () => open('all'))
  l2Contract('real servers, told of what is asked for', async () => {
    const { a, b, settle } = await open('hot')
    return { a: asking(a), b: asking(b), plain: a, settle }
  })
})

/** Every request that can asks to be told; what is put or updated is kept by nobody, so that it does not ask. */
function asking(port: L2Port): L2Port {
  const told = { isTold: true }
  return Object.assign(Object.create(port), {
    getOrLease: (keys, lease) => port.getOrLease(keys, { ...lease, ...told }),
    keepLease: (key, lease) => port.keepLease(key, { ...lease, ...told }),
    fill: (key, fill) => port.fill(key, { ...fill, ...told }),
    refill: (key, refill) => port.refill(key, { ...refill, ...told }),
    touch: (key, life) => port.touch(key, { ...life, ...told }),
  } satisfies Partial<L2Port>)
}
