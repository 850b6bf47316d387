import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { createCache, PoisonError, type SourceWriter } from '../../src/index.js'
import { createRandom, freshSeed } from '../../src/random.js'
import { BehindProcess } from '../support/behind-process.js'
import { assertArrived, openSource } from '../support/behind-source.js'
import { ChangingRing } from '../support/changing-ring.js'
import { runCli, startCli } from '../support/cli.js'
import { startServers } from '../support/redis-servers.js'

async function eventually(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if (await isTrue()) return
    await systemClock.sleep(10)
  }
  assert.fail(`it never came: ${what}`)
}

describe('write-behind when things die', () => {
  it('brings all that was acknowledged to the source, in order, whoever is killed', async () => {
    const seed = Number(process.env.SEED ?? freshSeed())
    const random = createRandom(seed)
    const servers = await startServers(3)
    const [source, ...nodes] = servers.servers.map(({ url }) => url)
    const acked = new Map<string, number>()
    const ring = nodes
    const truth = await openSource(source!)
    try {
      for (let kill = 0; kill < 3; kill++) {
        const job = { ring, source: source!, keyCount: 60, loops: 12, start: kill * 1e9, delayMs: 10 }
        const worker = new BehindProcess({ ...job, copies: 1, pauseMs: 1 }, acked)
        await eventually('puts', () => worker.puts > 50)
        await systemClock.sleep(random.below(150))
        await worker.kill()
        for (const index of [1, 2]) await endClaims(await servers.connect(index))
      }
      const survivor = createCache<number>({
        ...{ ring, ttl: '1m', namespace: 'behind', load: truth.load, write: truth.write },
        behind: {},
      })
      await survivor.get('k0')
      for (const index of [1, 2]) {
        const node = await servers.connect(index)
        await eventually(
          'an empty journal',
          async () => (await node.call('HLEN', '__cachectl:journal:behind')) === 0,
        )
      }
      await survivor.close()
      assert.ok(acked.size > 0)
      assertArrived(acked, await truth.history())
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    } finally {
      await truth.close()
      await servers.stop()
    }
  })

  it('loses nothing with a node that is gone for good, where it keeps a second copy', async () => {
    const ring = await ChangingRing.start({ nodes: 3, keys: 0 })
    const rows = new Map<string, number | null>()
    let isAway = true
    const write: SourceWriter<number> = async (batch) => {
      if (isAway) throw new Error('the database is away')
      for (const [key, value] of batch) rows.set(key, value)
    }
    const behind = { delay: 10, copies: 2 } as const
    const cache = createCache<number>({ ring: ring.file, ttl: '1m', write, behind })
    const keys = Array.from({ length: 60 }, (_, index) => `k${index}`)
    try {
      for (const value of [1, 2]) await Promise.all(keys.map((key) => cache.set(key, value)))
      await ring.servers.kill(0)
      await ring.succeeds(['ring', 'remove', 'n1', '--dead', '-t', ring.file, '--yes'])
      isAway = false
      for (const index of [1, 2]) {
        const node = await ring.servers.connect(index)
        for (const key of (await node.call('ZRANGE', '__cachectl:copydue:cache', 0, -1)) as Buffer[])
          await node.call('ZADD', '__cachectl:copydue:cache', 'XX', 1, key)
      }
      await eventually('all rows', () => rows.size === keys.length)
      assert.deepEqual(new Set(rows.values()), new Set([2]))
      for (const index of [1, 2]) {
        const node = await ring.servers.connect(index)
        await eventually('no copies', async () => (await node.call('HLEN', '__cachectl:copies:cache')) === 0)
      }
    } finally {
      isAway = false
      // what has failed before tells more
      await cache.close().catch(() => undefined)
      await ring.stop()
    }
  })

  /** As if the claims of a process that has died were over, without waiting for it. */
  async function endClaims(node: Awaited<ReturnType<Awaited<ReturnType<typeof startServers>>['connect']>>) {
    const dirty = '__cachectl:dirty:behind'
    for (const key of (await node.call('ZRANGE', dirty, 0, -1)) as Buffer[])
      await node.call('ZADD', dirty, 'XX', 1, key)
  }
})

describe('write-behind and a change of the ring', () => {
  let ring: ChangingRing
  before(async () => {
    ring = await ChangingRing.start({ nodes: 2, keys: 0 })
  })
  after(() => ring.stop())

  it('writes what waits at a former owner first, and the operator waits for a node that leaves', async () => {
    const written: [string, number | null][] = []
    let isAway = true
    const write: SourceWriter<number> = async (batch) => {
      if (isAway) throw new Error('the database is away')
      for (const each of batch) written.push(each)
    }
    const cache = createCache<number>({
      ...{ ring: ring.file, ttl: '1m', write, behind: { delay: 20 } },
      // a first look at a new node takes longer than the default allows on a busy machine
      timeout: { l2: '2s' },
    })
    const keys = Array.from({ length: 60 }, (_, index) => `k${index}`)
    const putAll = (value: number) => Promise.all(keys.map((key) => cache.set(key, value)))
    try {
      await putAll(1)
      await ring.succeeds(ring.add())
      await eventually('the moved value', async () => (await cache.get('k1')) === 1)
      await putAll(2)
      const newcomer = await ring.servers.connect(ring.spare)
      assert.ok(Number(await newcomer.call('HLEN', '__cachectl:journal:cache')) > 0)
      // to and fro: now the older values wait at the owner
      const removal = startCli(ring.remove())
      await eventually('the keys have left the newcomer', async () => {
        const left = (await newcomer.call('KEYS', 'cache:*')) as Buffer[]
        return left.length === 0
      })
      await putAll(3)
      await systemClock.sleep(100)
      assert.equal((await ring.status()).phase, 'migrate')
      isAway = false
      assert.equal((await removal.result).exitCode, 0, (await removal.result).stderr)
      await cache.flush()
      for (const key of keys) {
        const values = written.filter(([name]) => name === key).map(([, value]) => value!)
        assert.equal(values.at(-1), 3)
        assert.deepEqual(
          values,
          [...values].sort((a, b) => a - b),
          key,
        )
        assert.equal(await cache.get(key), 3)
      }
    } finally {
      isAway = false
      await cache.close()
    }
  })

  it('lists dead letters of every node, retries and drops them', async () => {
    let isBad = true
    const rows = new Map<string, string | null>()
    const write: SourceWriter<string> = async (batch) => {
      if (isBad) throw new PoisonError('no\u001b[31m such column')
      for (const [key, value] of batch) rows.set(key, value)
    }
    const options = { ring: ring.file, ttl: '1m', namespace: 'dead', write, behind: { delay: 1 } } as const
    const cache = createCache<string>(options)
    const keys = ['a', 'b', 'c', 'd', 'e', 'f']
    try {
      await Promise.all(keys.map((key) => cache.set(key, `${key}!`)))
      await eventually('dead letters', () => cache.stats.deadLetters === keys.length)
      isBad = false
      const letters = (...flags: string[]) =>
        runCli(['cache', 'dead-letters', '-t', ring.file, '--namespace', 'dead', ...flags])
      const listed = await letters()
      assert.equal(listed.exitCode, 0, listed.stderr)
      assert.match(listed.stdout, /dead +a +n\d .* no\\u\{1b\}\[31m such column/)
      assert.match(listed.stdout, /6 dead letters/)
      assert.equal((await letters('--retry', 'x')).exitCode, 2)
      assert.match((await letters('--retry', 'a', '--retry', 'b')).stdout, /waits again/)
      assert.match((await letters('--drop', 'c')).stdout, /dropped/)
      await eventually('the rows', () => rows.size === 2)
      const { stdout } = await letters('--retry-all', '--json')
      assert.deepEqual(
        JSON.parse(stdout)
          .letters.map(({ key, outcome }: { key: string; outcome: string }) => [key, outcome])
          .sort(),
        ['d', 'e', 'f'].map((key) => [key, 'done']),
      )
      await eventually('all rows', () => rows.size === 5)
    } finally {
      await cache.close()
    }
  })
})
