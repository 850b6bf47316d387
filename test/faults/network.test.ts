import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { assertFailed, ChangingRing, preload } from '../support/changing-ring.js'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js'
import { startServers } from '../support/redis-servers.js'

const slowly = ['--connections', '1', '--max-keys-per-sec', '1000']
const slowest = ['--connections', '1', '--max-keys-per-sec', '100']
const quick = { NODE_OPTIONS: preload('quick-timers') }

describe('the network in the middle of a change', () => {
  let ring: ChangingRing
  let proxies: FaultProxy[]

  before(async () => {
    proxies = []
    ring = await ChangingRing.start({
      urlOf: async ({ servers }, index) => {
        proxies[index] = await startFaultProxy(servers[index]!.port)
        return proxies[index].url
      },
    })
  })
  after(async () => {
    await ring.stop()
    await Promise.all(proxies.map((proxy) => proxy.close()))
  })
  afterEach(async () => {
    for (const proxy of proxies) proxy.liftAll()
    await ring.home()
  })

  it('fault-18: operator and target cut off from each other: exit 4 in time, clients go on, resume finishes', async () => {
    const clients = await ring.startClients(2)
    try {
      const { result } = await ring.startUntil(ring.add(...slowest), 100, quick)
      const startedMs = systemClock.nowMs()
      const toxic = proxies[2]!.set({ kind: 'blackhole' }, { only: 'cc-op:' })
      assertFailed(await result, 4, /node n3 .*: no reply for \d+ ms[\s\S]*ring resume/)
      const seconds = (systemClock.nowMs() - startedMs) / 1000
      assert.ok(seconds < 6, `${seconds} s, ten times that for users`)
      const { phase, epoch } = await ring.status()
      assert.deepEqual([phase, epoch % 3], ['migrate', 0])
      toxic.lift()
      // what was held back arrives now, late, beside a new operator
      await ring.succeeds(ring.resume())
      await clients.assertKept()
      await ring.assertIntact()
    } finally {
      await clients.end()
    }
  })

  it('fault-19: no node ever talks to another', async () => {
    const ports = new Set(ring.servers.servers.map(({ port }) => String(port)))
    const looks = await Promise.all(ring.servers.servers.map((_, index) => ring.servers.connect(index)))
    const run = await ring.startUntil(ring.add(...slowly), 100)
    let hasEnded = false
    run.result.then(() => {
      hasEnded = true
    })
    while (!hasEnded) {
      for (const look of looks) {
        for (const line of String(await look.call('CLIENT', 'LIST'))
          .trim()
          .split('\n')) {
          // it has said nothing yet, and so not its name either
          if (line.includes(' cmd=NULL ')) continue
          // of a proxied connection the peer is this process; a server that dials another is named by nobody
          assert.match(line, / name=(cc-op:|cc-look)/)
          assert.doesNotMatch(line, /cmd=(migrate|restore-asking|psync|replconf)/)
        }
        const stats = String(await look.call('INFO', 'commandstats'))
        assert.doesNotMatch(stats, /cmdstat_migrate/)
      }
      await systemClock.sleep(20)
    }
    assert.equal((await run.result).exitCode, 0)
    assert.equal(ports.size, 3)
    await ring.assertIntact()
  })

  for (const [name, toxic] of [
    ['100 ms of latency', { kind: 'latency', ms: 50, jitterMs: 10 }],
    ['pieces of a few bytes', { kind: 'slices', bytes: 7 }],
    ['1 Mbit/s', { kind: 'bandwidth', bytesPerSec: 125_000 }],
  ] as const) {
    it(`fault-20: a slow link, ${name}: ends with 0 and keeps its limits`, async () => {
      proxies[2]!.set(toxic)
      const startedMs = systemClock.nowMs()
      const { stdout } = await ring.succeeds(ring.add('--max-keys-per-sec', '1000'))
      const moved = Number(/Moved ([\d,]+) keys/.exec(stdout)?.[1]?.replace(',', ''))
      assert.ok(moved > 300)
      // the first batch of each source goes at once
      const leastMs = moved - 200
      assert.ok(systemClock.nowMs() - startedMs >= leastMs, stdout)
      for (const proxy of proxies) proxy.liftAll()
      await ring.assertIntact()
    })
  }

  it('fault-21: connections reset in mid pipeline, again and again: goes on by itself', async () => {
    const toxics = proxies.map((proxy) =>
      proxy.set({ kind: 'reset', afterBytes: 9_000, times: 3 }, { only: 'cc-op:' }),
    )
    await ring.succeeds(ring.add('--connections', '1'), quick)
    assert.ok(toxics.reduce((sum, { resets }) => sum + resets, 0) >= 3)
    for (const proxy of proxies) proxy.liftAll()
    await ring.assertIntact()
  })

  it('fault-54: a name that leads to another server in mid-run: exit 5, nothing is written there', async () => {
    const { result } = await ring.startUntil(ring.add(...slowly), 100)
    const others = await startServers(1)
    try {
      proxies[2]!.lead(others.servers[0]!.port, { cut: true })
      const message = /node n3 .*: this is not the server that it was when the change began \(run_id/
      assertFailed(await result, 5, message)
      assert.equal(await (await others.connect(0)).call('DBSIZE'), 0)
    } finally {
      proxies[2]!.lead(ring.servers.servers[2]!.port, { cut: true })
      await others.stop()
    }
    await ring.succeeds(ring.resume())
    await ring.assertIntact()
  })
})
