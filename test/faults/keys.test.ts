import assert from 'node:assert/strict'
import { loadTopology } from '../../src/files/topology-file.js'
import { createRandom } from '../../src/random.js'
import { moveBatch } from '../../src/redis/move-keys.js'
import { buildRing } from '../../src/ring/build-ring.js'
import { ChangingRing, openClient } from '../support/changing-ring.js'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js'
import { interpose } from '../support/interpose.js'

describe('keys that are hard to move', () => {
  let ring: ChangingRing
  const proxies: FaultProxy[] = []
  before(async () => {
    ring = await ChangingRing.start({
      keys: 1_000,
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

  /** Names that go to the newcomer, and the index of the node that has them before. */
  async function moving(prefix: string): Promise<{ key: string; source: number }[]> {
    const { topology } = await loadTopology(ring.file)
    const before = buildRing(topology)
    const after = buildRing({ ...topology, nodes: [...topology.nodes, ring.servers.servers[2]!.node] })
    return Array.from({ length: 100 }, (_, index) => `${prefix}${index}`)
      .filter((key) => after.ownerIndex(Buffer.from(key)) === 2)
      .map((key) => ({ key, source: before.ownerIndex(Buffer.from(key)) }))
  }

  it('fault-53: NUL, CRLF, 0xff, 64 KiB and no byte at all: every name arrives byte for byte', async () => {
    const random = createRandom(7)
    const names = [
      Buffer.alloc(0),
      ...Array.from({ length: 12 }, () =>
        Buffer.from(Array.from({ length: 65_536 }, () => random.below(256))),
      ),
      ...Array.from({ length: 256 }, (_, byte) => Buffer.from([byte])),
    ]
    const client = await openClient(ring.file)
    for (const name of names) await client.call('SET', name, name)
    await client.close()
    await ring.adopt()
    await ring.succeeds(ring.add())
    await ring.assertIntact()
    const held = await (await ring.servers.connect(2)).call('KEYS', '*')
    assert.ok(Array.isArray(held) && held.some((key) => Buffer.isBuffer(key) && key.length === 65_536))
  })

  it('fault-33: a hash of 100 MB goes by chunks: no command of ours holds either server up', async () => {
    const [{ key, source }] = (await moving('huge:')) as [{ key: string; source: number }]
    const [home, target] = [await ring.servers.connect(source), await ring.servers.connect(2)]
    const value = 'x'.repeat(1_000)
    for (let from = 0; from < 100_000; from += 2_000) {
      await home.call(
        'HSET',
        key,
        ...Array.from({ length: 2_000 }, (_, field) => [`f${from + field}`, value]).flat(),
      )
    }
    // a DUMP of it in one piece takes several times that, see below
    for (const node of [home, target]) {
      await node.call('CONFIG', 'SET', 'slowlog-log-slower-than', 100_000)
      await node.call('SLOWLOG', 'RESET')
    }
    await ring.succeeds(ring.add())
    for (const node of [home, target]) assert.equal(await node.call('SLOWLOG', 'LEN'), 0)
    assert.deepEqual([await home.call('EXISTS', key), await target.call('HLEN', key)], [0, 100_000])
    await target.call('CONFIG', 'SET', 'slowlog-log-slower-than', 20_000)
    await target.call('DUMP', key)
    assert.equal(await target.call('SLOWLOG', 'LEN'), 1)
    await target.call('DEL', key)
  })

  it('fault-36: a key that is written all the time while it moves: every write counts, once', async () => {
    const [{ key }] = (await moving('hot:')) as [{ key: string; source: number }]
    const client = await openClient(ring.file)
    let written = 0
    let hasEnded = false
    const writers = Array.from({ length: 4 }, async () => {
      while (!hasEnded) {
        await client.call('INCR', key)
        written += 1
      }
    })
    const start = written
    await ring.succeeds(ring.add('--max-keys-per-sec', '500'))
    hasEnded = true
    await Promise.all(writers)
    assert.ok(written - start > 100)
    assert.equal(Number(await (await ring.servers.connect(2)).call('GET', key)), written)
    await client.call('DEL', key)
    await client.close()
  })

  it('fault-36: written at the source between every copy and its removal: given up after a few, the source has the last word', async () => {
    const [{ key: name, source }] = (await moving('busy:')) as [{ key: string; source: number }]
    const key = Buffer.from(name)
    const [look, home, target] = [
      await ring.servers.connect(source),
      await ring.servers.connect(source),
      await ring.servers.connect(2),
    ]
    await look.call('SET', key, 0)
    // each attempt sends one removal
    const busy = [1, 2, 3, 4, 5, 6].reduce(
      (connection, nth) => interpose(connection, 'UNLINK', () => look.call('INCR', key), nth),
      home,
    )
    await assert.rejects(moveBatch({ source: busy, target }, [key], { bigKeyBytes: 2 ** 20 }), {
      exitCode: 6,
      message: new RegExp(`key ${name} on n\\d .*written again and again`),
    })
    assert.equal(Number(await look.call('GET', key)), 3)
    assert.equal(await target.call('EXISTS', key), 0)
    await look.call('DEL', key)
  })

  it('fault-58: a payload that the target does not understand: key and reason are named, exit 6, the source keeps it', async () => {
    const [{ key, source }] = (await moving('odd:')) as [{ key: string; source: number }]
    const home = await ring.servers.connect(source)
    await home.call('SET', key, 'of-another-version')
    await ring.adopt()
    proxies[source]!.set({
      kind: 'rewrite',
      on: 'to-client',
      edit: (chunk) =>
        Buffer.from(chunk.toString('latin1').replace('of-another-version', 'of-another-VERSION'), 'latin1'),
    })
    await ring.fails(
      ring.add(),
      6,
      new RegExp(
        `node n3 .*RESTORE of ${key}: ERR DUMP payload version or checksum are wrong[\\s\\S]*The source keeps the key[\\s\\S]*ring resume`,
      ),
    )
    assert.equal(String(await home.call('GET', key)), 'of-another-version')
    proxies[source]!.liftAll()
    await ring.succeeds(ring.resume())
    await ring.assertIntact()
  })
})
