import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { loadTopology } from '../../src/files/topology-file.js'
import { openControl } from '../../src/open-control.js'
import { openRing } from '../../src/open-ring.js'
import { readProgress } from '../../src/operations/notices.js'
import { runCli, startCli } from '../support/cli.js'
import { startDurableRedis } from '../support/durable-redis.js'
import { findEtcd, startEtcd } from '../support/etcd.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

interface Store {
  readonly url: string
  restart(): Promise<void>
  stop(): Promise<void>
}

const etcd = await findEtcd()
const keyCount = 4_000

const stores: Record<string, (() => Promise<Store>) | undefined> = {
  'a Redis server': async () => {
    const server = await startDurableRedis()
    return { url: server.node.url, restart: server.restart, stop: server.stop }
  },
  etcd: etcd
    ? async () => {
        const member = await startEtcd(etcd)
        return { ...member, url: member.endpoint.replace('http', 'etcd') }
      }
    : undefined,
}

for (const [name, start] of Object.entries(stores)) {
  describe(`a change whose control store, ${name}, is killed and comes back${start ? '' : ' (skipped: no etcd on PATH)'}`, () => {
    let servers: TestServers
    let store: Store
    let file: string
    before(async function () {
      if (!start) this.skip()
      servers = await startServers(4)
      store = await start()
      file = await servers.topologyFile({ count: 3 })
      await writeFile(file, `${await readFile(file, 'utf8')}control: {url: "${store.url}"}\n`)
      const applied = await runCli(['ring', 'apply', '-t', file, '--yes'])
      assert.equal(applied.exitCode, 0, applied.stderr)
    })
    after(async () => {
      await servers?.stop()
      await store?.stop()
    })

    it('finishes, while a client reads and writes on', async () => {
      const client = await openRing(file)
      const control = await openControl(await loadTopology(file))
      try {
        for (let index = 0; index < keyCount; index++) await client.call('SET', `k:${index}`, index)
        const adding = startCli([
          ...['ring', 'add', `n4=${servers.servers[3]!.url}`, '-t', file, '--yes'],
          ...['--max-keys-per-sec', '400'],
        ])
        let isOver = false
        adding.result.then(() => {
          isOver = true
        })
        while (!isOver && !((await readProgress(control))?.movedKeyCount ?? 0))
          await client.call('GET', 'k:1')
        const restarting = store.restart()
        for (let index = 0; index < keyCount; index++) {
          assert.equal(String(await client.call('GET', `k:${index}`)), String(index))
          await client.call('SET', `k:${index}`, index)
        }
        await restarting
        const { exitCode, stderr } = await adding.result
        assert.equal(exitCode, 0, stderr)
        assert.equal((await control.load())?.state.epoch, 4)
        for (let index = 0; index < keyCount; index++)
          assert.equal(String(await client.call('GET', `k:${index}`)), String(index))
      } finally {
        await client.close()
        await control.close()
      }
      const check = await runCli(['ring', 'check', '-t', file])
      assert.equal(check.exitCode, 0, check.stdout)
    })
  })
}
