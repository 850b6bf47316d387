import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import {
  type Cache,
  type CreateCacheOptions,
  createCache,
  openCacheRing,
  PoisonError,
  type SourceWriter,
} from '../../src/index.js'
import { journalSettleScript } from '../../src/redis/journal-scripts.js'
import { scriptOf } from '../../src/redis/script.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const journal = '__cachectl:journal:cache'
const dead = '__cachectl:dead:cache'

/** A source of truth that keeps every write, and fails as it is told to. */
class Source {
  readonly writes: [string, string | null][] = []
  readonly seqs: [string, bigint][] = []
  readonly rows = new Map<string, string>()
  calls = 0
  isAway = false
  isStuck: Promise<void> | undefined
  readonly bad = new Map<string, Error>()

  readonly write: SourceWriter<string> = async (batch, { seqs }) => {
    this.calls += 1
    await this.isStuck
    if (this.isAway) throw new Error('the database is away')
    for (const key of batch.keys()) if (this.bad.has(key)) throw this.bad.get(key)
    for (const [key, value] of batch) {
      this.writes.push([key, value])
      this.seqs.push([key, seqs.get(key)!])
      if (value === null) this.rows.delete(key)
      else this.rows.set(key, value)
    }
  }
}

describe('write-behind', () => {
  let servers: TestServers
  let source: Source
  const caches: Cache<string>[] = []

  before(async () => {
    servers = await startServers(2)
  })
  after(() => servers.stop())
  beforeEach(async () => {
    for (const index of [0, 1]) await (await servers.connect(index)).call('FLUSHALL')
    source = new Source()
  })
  afterEach(async () => {
    source.isAway = false
    await Promise.all(caches.splice(0).map((cache) => cache.close()))
  })

  function open(options: Partial<CreateCacheOptions<string>> = {}): Cache<string> {
    const cache = createCache<string>({
      ...{ ring: servers.servers.slice(0, 1).map(({ url }) => url), ttl: '1m' },
      ...{ load: async (key) => source.rows.get(key) ?? null, write: source.write },
      ...{ behind: { delay: 20 }, ...options },
    })
    caches.push(cache)
    return cache
  }

  async function eventually(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 500; tries++) {
      if (await isTrue()) return
      await systemClock.sleep(10)
    }
    assert.fail(`it never came: ${what}`)
  }

  const command = async (...parts: [string, ...(string | number | Buffer)[]]) =>
    (await servers.connect(0)).call(...parts)

  it('acknowledges before the source has it, reads it everywhere, and brings it there', async () => {
    const [one, two] = [open({ behind: { delay: '1m' } }), open({ behind: { delay: '1m' } })]
    await one.set('a', 'new')
    assert.deepEqual(source.writes, [])
    assert.equal(await one.get('a'), 'new')
    assert.equal(await two.get('a'), 'new')
    await one.flush()
    assert.deepEqual(source.writes, [['a', 'new']])
    assert.equal(await command('HLEN', journal), 0)
    assert.equal(String(await command('GETRANGE', 'cache:a', 0, 0)), 'V')
    assert.ok(Number(await command('PTTL', 'cache:a')) > 50_000)
    assert.equal(await two.get('a'), 'new')
    assert.equal(one.stats.puts, 1)
    assert.equal(one.stats.flushed + two.stats.flushed, 1)
  })

  it('writes a key once for many values, in order, with numbers that grow', async () => {
    const cache = open({ behind: { delay: '1m' } })
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 50 }, (_, index) => cache.set(`k${index % 5}`, `${round}`)))
      await cache.flush()
    }
    assert.equal(source.writes.length, 15)
    assert.equal(source.calls, 3)
    for (const key of ['k0', 'k4']) {
      assert.deepEqual(
        source.writes.filter(([name]) => name === key).map(([, value]) => value),
        ['0', '1', '2'],
      )
      const seqs = source.seqs.filter(([name]) => name === key).map(([, seq]) => seq)
      assert.deepEqual(
        seqs,
        [...seqs].sort((a, b) => Number(a - b)),
      )
    }
  })

  describe('race 12: a value comes while an older one is written', () => {
    async function overlap(options: Partial<CreateCacheOptions<string>> = {}): Promise<(string | null)[]> {
      const cache = open(options)
      let release = () => {}
      source.isStuck = new Promise((resolve) => {
        release = resolve
      })
      await cache.set('a', 'old')
      await eventually('the write of the old value', () => source.calls === 1)
      await cache.set('a', 'new')
      release()
      await eventually('an empty journal', async () => (await command('HLEN', journal)) === 0)
      return source.writes.map(([, value]) => value)
    }

    it('both reach the source, in order', async () => {
      assert.deepEqual(await overlap(), ['old', 'new'])
      assert.equal(await caches[0]!.get('a'), 'new')
    })

    it('… the newer is lost where an entry is settled whatever stands in the journal', async () => {
      const ring = await openCacheRing(servers.servers[0]!.url)
      const run = ring.run.bind(ring)
      const careless = journalSettleScript.replace(/local isSame = .*/, 'local isSame = true')
      assert.notEqual(careless, journalSettleScript)
      ring.run = (script, ...rest) =>
        run(script.text === journalSettleScript ? scriptOf('settle', careless) : script, ...rest)
      try {
        assert.deepEqual(await overlap({ ring }), ['old'])
      } finally {
        await Promise.all(caches.splice(0).map((cache) => cache.close().catch(() => undefined))) // what it lost, it waits for
        await ring.close()
      }
    })
  })

  it('deletes a row by null', async () => {
    source.rows.set('a', 'row')
    const cache = open({ behind: { delay: '1m' } })
    assert.equal(await cache.get('a'), 'row')
    await cache.set('a', null)
    assert.equal(await cache.get('a'), undefined)
    await cache.flush()
    assert.deepEqual(source.writes, [['a', null]])
    assert.equal(await command('EXISTS', 'cache:a'), 0)
  })

  it('serves what waits although its value key was lost, or invalidated', async () => {
    const [one, two] = [open({ behind: { delay: '1m' } }), open({ behind: { delay: '1m' } })]
    source.rows.set('a', 'old')
    await one.set('a', 'new')
    await command('DEL', 'cache:a')
    assert.equal(await two.get('a'), 'new')
    assert.equal(await one.get('a'), 'new')
    await two.invalidate('a')
    assert.equal(two.peek('a'), undefined)
    await eventually('the other process drops it too', () => one.peek('a') === undefined)
    assert.equal(await one.get('a'), 'new')
    assert.equal(one.stats.loads + two.stats.loads, 0)
  })

  it('serves what waits although a tag of it was invalidated', async () => {
    const cache = open({ behind: { delay: '1m' } })
    await cache.set('a', 'new', { tags: ['t'] })
    await cache.invalidate({ tag: 't' })
    assert.equal(await cache.get('a'), 'new')
    await cache.flush()
    source.rows.set('a', 'changed by others')
    assert.equal(await cache.get('a'), 'changed by others')
  })

  it('lets a put wait while the journal is full, and refuses it in the end', async () => {
    const cache = open({ behind: { delay: 5, max: 2 }, timeout: { load: 200 } })
    source.isAway = true
    await cache.set('a', '1')
    await cache.set('b', '1')
    await cache.set('a', '2')
    await assert.rejects(cache.set('c', '1'), { message: /c was not put/, exitCode: 5 })
    assert.equal(await command('HLEN', journal), 2)
    source.isAway = false
    await eventually('room', () =>
      cache.set('c', '2').then(
        () => true,
        () => false,
      ),
    )
    await eventually('all of it', () => source.rows.size === 3)
    assert.deepEqual([...source.rows.values()].sort(), ['1', '2', '2'])
  })

  it('puts a row that can never be written among the dead letters at once', async () => {
    const cache = open()
    source.bad.set('bad', new PoisonError('no such column'))
    await Promise.all(['x', 'bad', 'y'].map((key) => cache.set(key, `${key}!`)))
    await cache.flush()
    assert.deepEqual([...source.rows.keys()].sort(), ['x', 'y'])
    const letter = String(await command('HGET', dead, 'cache:bad'))
    assert.match(letter, /no such column.*bad!/s)
    assert.equal(await command('EXISTS', 'cache:bad'), 0)
    assert.equal(cache.stats.deadLetters, 1)
    source.bad.clear()
    await cache.set('bad', 'better')
    await cache.flush()
    assert.equal(await command('HLEN', dead), 0)
  })

  it('gives a row up that fails while others go well, and none while the source is away', async () => {
    const cache = open({ behind: { delay: 1 } })
    source.isAway = true
    await cache.set('bad', '0')
    await cache.set('good', '0')
    await eventually('some attempts', () => cache.stats.flushErrors > 6)
    source.bad.set('bad', new Error('value out of range'))
    source.isAway = false
    let round = 0
    const attempts = async () => Number(String(await command('HGET', journal, 'cache:bad')).slice(16, 18))
    await eventually('attempts that count', async () => {
      await cache.set('good', `${++round}`)
      return (await attempts()) === 2
    })
    // the pauses between further ones are long
    const record = (await command('HGET', journal, 'cache:bad')) as Buffer
    await command(
      'HSET',
      journal,
      'cache:bad',
      Buffer.concat([record.subarray(0, 16), Buffer.from('07'), record.subarray(18)]),
    )
    await eventually('a dead letter', async () => {
      await cache.set('good', `${++round}`)
      return cache.stats.deadLetters === 1
    })
    await cache.flush()
    assert.equal(source.rows.get('good'), `${round}`)
    assert.match(String(await command('HGET', dead, 'cache:bad')), /^\d{13}\d{16}07.*value out of range/s)
  })

  it('finishes what another process has left', async () => {
    const one = open({ write: () => new Promise(() => {}), timeout: { load: 100 } })
    await one.set('a', '1')
    await assert.rejects(one.close(), { message: /1 entries still wait/, exitCode: 6 })
    caches.splice(0)
    open()
    await caches[0]!.get('other')
    await eventually('the write', () => source.rows.get('a') === '1')
  })

  it('refuses a node that may evict what it has acknowledged', async () => {
    await command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    try {
      await assert.rejects(open().set('a', '1'), {
        message: /allkeys-lru/,
        remedy: /volatile-lru/,
        exitCode: 5,
      })
    } finally {
      await command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    }
  })

  it('makes room on a node whose memory is full', async () => {
    const cache = open({ behind: { delay: 1 }, timeout: { load: 300 } })
    source.isAway = true
    await cache.set('a', '1')
    await command('CONFIG', 'SET', 'maxmemory', '1mb')
    try {
      await assert.rejects(cache.set('b', '1'), { exitCode: 5 })
      source.isAway = false
      await eventually('the write', () => source.rows.get('a') === '1')
      await eventually('an empty journal', async () => (await command('HLEN', journal)) === 0)
    } finally {
      await command('CONFIG', 'SET', 'maxmemory', '0')
    }
  })

  it('says what cannot be', () => {
    assert.throws(() => createCache({ ttl: '1m', behind: {} }), /behind: it needs `write`/)
    assert.throws(
      () => createCache({ ttl: '1m', write: source.write, behind: {} }),
      /behind: it needs `ring`/,
    )
  })
})
