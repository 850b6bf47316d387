import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { assertFailed, ChangingRing, preload } from '../support/changing-ring.js'
import { runCli } from '../support/cli.js'
import { findEtcd, startEtcd } from '../support/etcd.js'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js'
import { startServers } from '../support/redis-servers.js'

const etcdBinary = await findEtcd()

interface Store {
  readonly url: (port: number) => string
  start(): Promise<{ port: number; stop(): Promise<void> }>
}

const stores: Record<string, Store | undefined> = {
  etcd: etcdBinary
    ? {
        url: (port) => `etcd://127.0.0.1:${port}`,
        start: async () => {
          const etcd = await startEtcd(etcdBinary)
          return { port: Number(new URL(etcd.endpoint).port), stop: etcd.stop }
        },
      }
    : undefined,
  redis: {
    url: (port) => `redis://127.0.0.1:${port}`,
    start: async () => {
      const { servers, stop } = await startServers(1)
      return { port: servers[0]!.port, stop }
    },
  },
}

for (const [name, store] of Object.entries(stores)) {
  describe(`the control store goes away in the middle of a change: ${name}${store ? '' : ' (skipped: no etcd on PATH; Debian has it as etcd-server)'}`, () => {
    let ring: ChangingRing
    let proxy: FaultProxy
    let stop: () => Promise<void>
    before(async function () {
      if (!store) return this.skip()
      const started = await store.start()
      stop = started.stop
      proxy = await startFaultProxy(started.port)
      ring = await ChangingRing.start({
        keys: 1_000,
        more: `control:\n  url: ${store.url(proxy.port)}\n`,
      })
    })
    after(async () => {
      await ring?.stop()
      await proxy?.close()
      await stop?.()
    })

    it('fault-56: clients go on, the operator stops with 4, and when it is back resume finishes', async () => {
      const clients = await ring.startClients(2)
      try {
        const slowly = ['--connections', '1', '--max-keys-per-sec', '100']
        const { result } = await ring.startUntil(ring.add(...slowly), 100, {
          NODE_OPTIONS: preload('quick-timers'),
        })
        await proxy.down()
        assertFailed(await result, 4, /control store .*127\.0\.0\.1:\d+[\s\S]*ring resume/)
        // keys have moved and will not go on to: clients write at their new owner, and bring the others there
        await systemClock.sleep(500)
        await proxy.up()
        let resumed = await runCli(ring.resume())
        // the lease of the one who could not give it back ends by itself
        while (resumed.exitCode === 5 && /being changed by/.test(resumed.stderr)) {
          await systemClock.sleep(250)
          resumed = await runCli(ring.resume())
        }
        assert.equal(resumed.exitCode, 0, resumed.stderr)
        const { operations } = await clients.assertKept()
        assert.ok(operations > 200)
        await ring.assertIntact()
      } finally {
        await clients.end()
      }
    })
  })
}
