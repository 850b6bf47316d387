import assert from 'node:assert/strict'
import { openRing } from '../src/index.js'
import { runCli } from './support/cli.js'
import { startServers } from './support/redis-servers.js'

describe('openRing, as an application uses it', () => {
  it('follows a node that joins, without a restart', async () => {
    const servers = await startServers(2)
    try {
      const file = await servers.topologyFile({ count: 1 })
      await assert.rejects(openRing(file), { message: /holds no ring/, remedy: /ring apply/ })
      assert.equal((await runCli(['ring', 'apply', '-t', file, '--yes'])).exitCode, 0)
      const ring = await openRing(file)
      const names = Array.from({ length: 200 }, (_, index) => `user:${index}`)
      await Promise.all(names.map((name) => ring.call('SET', name, name)))
      const added = await runCli(['ring', 'add', `n2=${servers.servers[1]!.url}`, '-t', file, '--yes'])
      assert.equal(added.exitCode, 0, added.stderr)
      assert.deepEqual(((await ring.call('MGET', ...names)) as Buffer[]).map(String), names)
      assert.ok(Number(await (await servers.connect(1)).call('DBSIZE')) > 50)
      await ring.close()
    } finally {
      await servers.stop()
    }
  })
})
