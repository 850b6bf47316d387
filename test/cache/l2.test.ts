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
    return { a, b, settle }
  })

  l2Contract('real servers', async () => {
    servers = await startServers(1)
    const { url } = servers.servers[0]!
    const [a, b] = await Promise.all([openCacheRing(url), openCacheRing(url)])
    rings = [a, b]
    const ping = async (ring: CacheRing) => {
      for (const node of ring.ring.nodeIds) await (await ring.ring.connectionTo(node)).call('PING')
    }
    // what is told comes before the answer
    return { a, b, settle: async () => void (await Promise.all([ping(a), ping(b)])) }
  })
})
