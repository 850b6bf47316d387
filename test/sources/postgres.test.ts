/** The PostgreSQL adapter on a real server: reading, writing, fencing, and what goes wrong. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { systemClock } from '../../src/clock.js'
import {
  type PostgresSource,
  type PostgresSourceOptions,
  postgresSource,
} from '../../src/sources/postgres.js'
import { findPostgres, type Postgres, startPostgres } from '../support/postgres.js'

interface Item {
  readonly name: string
  readonly version?: number | string
}

describe('a PostgreSQL table as the source of truth', function () {
  this.timeout(30_000)
  let server: Postgres
  let items: PostgresSource<Item>
  const sources: { close(): Promise<void> }[] = []

  before(async function () {
    const binaries = await findPostgres()
    if (!binaries) {
      console.log('      skipped: no PostgreSQL here (scripts/install-test-peers.sh, as root, installs one)')
      this.skip()
    }
    server = await startPostgres(binaries)
    items = open<Item>({ table: 'items' })
    await items.setUp({ table: true })
  })
  beforeEach(() => server.query('TRUNCATE items, cachectl_fence'))
  after(async () => {
    await Promise.all(sources.map((source) => source.close()))
    await server?.stop()
  })

  function open<V>(options: Omit<PostgresSourceOptions<V>, 'connectionString'>): PostgresSource<V> {
    const source = postgresSource<V>({ ...options, connectionString: server.url })
    sources.push(source)
    return source
  }

  const rows = () => server.query('SELECT key, value FROM items ORDER BY key')
  const seqs = (...pairs: [string, number | bigint][]) => ({
    seqs: new Map(pairs.map(([key, seq]) => [key, BigInt(seq)])),
  })
  const failure = (work: Promise<unknown>): Promise<Error> =>
    work.then(
      () => assert.fail('it went well'),
      (error: Error) => error,
    )

  /** So many statements wait for a lock. */
  async function untilWaiting(count: number): Promise<void> {
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`
    while ((await server.query(waiting)).length < count) await systemClock.sleep(2)
  }

  it('loads one and many; what is not there, or NULL, is none', async () => {
    await server.query(
      `INSERT INTO items VALUES ('a', '{"name": "A"}'), ('b', '{"name": "ß\\""}'), ('n', 'null')`,
    )
    assert.deepEqual(await items.load('a'), { name: 'A' })
    assert.equal(await items.load('none'), null)
    assert.equal(await items.load('n'), null)
    const found = await items.loadMany(['b', 'none', 'a', 'a', 'n'])
    assert.deepEqual(Object.fromEntries(found), { a: { name: 'A' }, b: { name: 'ß"' } })
    assert.equal((await items.loadMany([])).size, 0)
  })

  it('writes a batch: new, changed, deleted, all or none', async () => {
    await server.query(`INSERT INTO items VALUES ('old', '{"name": "1"}'), ('gone', '{"name": "2"}')`)
    await items.write(
      new Map([
        ['new', { name: 'N' }],
        ['old', { name: 'O' }],
        ['gone', null],
        ['never', null],
      ]),
    )
    assert.deepEqual(await rows(), [
      { key: 'new', value: { name: 'N' } },
      { key: 'old', value: { name: 'O' } },
    ])
    await items.write(new Map())
  })

  it('a late writer with a smaller number changes nothing, whatever the newer one did', async () => {
    await items.write(new Map([['k', { name: 'new' }]]), seqs(['k', 20]))
    await items.write(new Map([['k', { name: 'late' }]]), seqs(['k', 19]))
    await items.write(new Map([['k', { name: 'again' }]]), seqs(['k', 20]))
    await items.write(new Map([['k', null]]), seqs(['k', 18]))
    assert.deepEqual(await items.load('k'), { name: 'new' })
    await items.write(new Map([['k', null]]), seqs(['k', 21]))
    await items.write(new Map([['k', { name: 'late' }]]), seqs(['k', 20]))
    assert.equal(await items.load('k'), null)
    await items.write(new Map([['k', { name: 'back' }]]), seqs(['k', 2n ** 62n]))
    assert.deepEqual(await items.load('k'), { name: 'back' })
  })

  it('of a batch only the rows of larger numbers change', async () => {
    await items.write(new Map([['b', { name: 'B5' }]]), seqs(['b', 5]))
    await items.write(new Map([['d', { name: 'D5' }]]), seqs(['d', 5]))
    const batch = new Map([
      ['c', { name: 'C' }],
      ['b', { name: 'late' }],
      ['a', { name: 'A' }],
      ['d', null],
      ['e', null],
    ])
    await items.write(batch, seqs(['a', 1], ['b', 4], ['c', 1], ['d', 6], ['e', 1]))
    assert.deepEqual(
      (await rows()).map(({ value }) => value),
      [{ name: 'A' }, { name: 'B5' }, { name: 'C' }],
    )
  })

  it('a newer delete that has waited for a late insert deletes its row', async () => {
    const { Client } = (await import('pg')).default
    const late = new Client({ connectionString: server.url })
    await late.connect()
    try {
      await late.query('BEGIN')
      await late.query(`INSERT INTO cachectl_fence (source, key, seq) VALUES ('items', 'k', 4)`)
      await late.query(`INSERT INTO items VALUES ('k', '{"name": "late"}')`)
      const removed = items.write(new Map([['k', null]]), seqs(['k', 5]))
      await untilWaiting(1)
      await late.query('COMMIT')
      await removed
    } finally {
      await late.end()
    }
    assert.deepEqual(await rows(), [])
  })

  it('racing writers: the largest number stands in the end', async () => {
    const keys = ['r1', 'r2', 'r3']
    const writes = Array.from({ length: 40 }, (_, index) => {
      const seq = ((index * 17) % 40) + 1
      const batch = new Map(
        (index % 2 ? keys : keys.toReversed()).map(
          (key) => [key, seq % 3 ? { name: `${seq}` } : null] as const,
        ),
      )
      return items.write(batch, seqs(...keys.map((key): [string, number] => [key, seq])))
    })
    await Promise.all(writes)
    assert.deepEqual(
      (await rows()).map(({ value }) => value),
      keys.map(() => ({ name: '40' })),
    )
  })

  it('names are quoted, and keys and values are only ever data', async () => {
    const evil = `x"; DROP TABLE items; --`
    const hostile = open<Item>({
      ...{ schema: evil, table: `t".'$1`, keyColumn: 'k"),(', valueColumn: `v'";`, fenceTable: 'f"$2' },
    })
    await server.query(`CREATE SCHEMA "${evil.replaceAll('"', '""')}"`)
    await hostile.setUp({ table: true })
    await hostile.setUp({ table: true })
    const keys = [`'; DROP TABLE items; --`, '{a,"b"}', '\\', 'NULL', '', '\n\t', '🜁', '"']
    const batch = new Map(keys.map((key) => [key, { name: key }]))
    await hostile.write(batch, seqs(...keys.map((key): [string, number] => [key, 1])))
    assert.deepEqual(await hostile.loadMany(keys), batch)
    await hostile.write(
      new Map(keys.map((key) => [key, null])),
      seqs(...keys.map((key): [string, number] => [key, 2])),
    )
    assert.equal((await hostile.loadMany(keys)).size, 0)
    assert.deepEqual(await rows(), [])
  })

  it('columns as a value: types of the table, both ways', async () => {
    await server.query(`CREATE TABLE goods (id int PRIMARY KEY, price numeric(8,2) CHECK (price >= 0), tags text[],
      at timestamptz, raw bytea, big bigint, on_sale boolean DEFAULT true, other text DEFAULT 'mine')`)
    const goods = open<Record<string, unknown>>({
      ...{ table: 'goods', keyColumn: 'id', columns: ['price', 'tags', 'at', 'raw', 'big', 'on_sale'] },
    })
    const at = new Date('2026-01-02T03:04:05.678Z')
    const value = { price: 9.5, tags: ['a,b', 'c"'], at, raw: Buffer.from([0, 255]), big: 2n ** 40n }
    await goods.write(new Map([['7', value]]))
    assert.deepEqual(await goods.load('7'), {
      ...{ price: 9.5, tags: ['a,b', 'c"'], at: '2026-01-02T03:04:05.678+00:00' },
      ...{ raw: '\\x00ff', big: 2 ** 40, on_sale: null },
    })
    await server.query(`UPDATE goods SET other = 'kept'`)
    await goods.write(new Map([['7', { price: '1.00' }]]))
    assert.deepEqual(await server.query('SELECT price, other FROM goods'), [{ price: '1.00', other: 'kept' }])
    // one row has one key: as PostgreSQL writes it
    assert.equal(await goods.load('07'), null)
    const both = await failure(
      goods.write(
        new Map([
          ['8', { price: 1 }],
          ['08', { price: 2 }],
        ]),
      ),
    )
    assert.ok('poison' in both && both.poison)
    await assert.rejects(goods.load('seven'), /invalid input syntax/)
    await server.query('DROP TABLE goods')
  })

  it('a mapping of its own between rows and values', async () => {
    await server.query('CREATE TABLE people (id text PRIMARY KEY, given text, family text)')
    const people = open<string>({
      table: 'people',
      keyColumn: 'id',
      columns: ['given', 'family'],
      fromRow: ({ given, family }) => `${given} ${family}`,
      toRow: (value) => ({ given: value.split(' ')[0], family: value.split(' ')[1] }),
    })
    await people.write(new Map([['1', 'Ada Lovelace']]))
    assert.deepEqual(await server.query('SELECT * FROM people'), [
      { id: '1', given: 'Ada', family: 'Lovelace' },
    ])
    assert.equal(await people.load('1'), 'Ada Lovelace')
  })

  it('with a version column only older rows change, and the value says what the column says', async () => {
    const versioned = open<Item>({ table: 'versioned', versionColumn: 'version' })
    await versioned.setUp({ table: true })
    await versioned.write(new Map([['v', { name: 'five', version: 5 }]]))
    await versioned.write(new Map([['v', { name: 'four', version: 4 }]]))
    assert.deepEqual(await versioned.load('v'), { name: 'five', version: 5 })
    await server.query(`UPDATE versioned SET version = 9007199254740993 WHERE key = 'v'`)
    const value = (await versioned.load('v'))!
    assert.equal(value.version, '9007199254740993')
    assert.equal(versioned.version!(value), 9007199254740993n)
    assert.throws(() => versioned.version!({ name: 'x' }), /"?version"? is no whole number/)
    const error = await failure(versioned.write(new Map([['w', { name: 'none' }]])))
    assert.match(error.message, /row of key w can't be written: its version/)
    assert.equal(items.version, undefined)
  })

  it('a bad row is poison, named where it is alone, and nothing of its batch is written', async () => {
    await server.query(`ALTER TABLE items ADD CONSTRAINT named CHECK (value->>'name' <> 'bad')`)
    const bad = await failure(items.write(new Map([['b', { name: 'bad' }]]), seqs(['b', 1])))
    assert.deepEqual([bad.name, 'poison' in bad && bad.poison], ['PoisonRowsError', true])
    assert.match(bad.message, /^the row of key b can't be written: .*"named"/)
    const batch = new Map([
      ['a', { name: 'good' }],
      ['b', { name: 'bad' }],
    ])
    const mixed = await failure(items.write(batch, seqs(['a', 1], ['b', 1])))
    assert.match(mixed.message, /^one of 2 rows can't be written/)
    assert.deepEqual('keys' in mixed && mixed.keys, ['a', 'b'])
    assert.deepEqual(await rows(), [])
    // its number was not taken either
    await items.write(new Map([['a', { name: 'good' }]]), seqs(['a', 1]))
    assert.equal((await rows()).length, 1)
    await server.query('ALTER TABLE items DROP CONSTRAINT named')
  })

  it('what PostgreSQL has no place for: poison in writes, nothing in reads', async () => {
    for (const key of ['nul\0', 'half \ud800']) {
      for (const value of [{ name: 'x' }, null]) {
        const error = await failure(items.write(new Map([[key, value]])))
        assert.match(error.message, /^the row of key (nul\\0|half \\u\{d800\}) can't be .*no place/)
      }
      assert.equal(await items.load(key), null)
    }
    const error = await failure(items.write(new Map([['k', { name: 'nul\0' }]])))
    assert.ok('poison' in error && /row of key k /.test(error.message), error.message)
    // longer than an index takes; hex digits compress by half at most
    const incompressible = randomBytes(9_000).toString('hex')
    const long = await failure(items.write(new Map([[incompressible, { name: 'x' }]])))
    assert.ok('poison' in long, long.message)
  })

  it('a table that is not as described is invalid, and says what to do', async () => {
    await server.query('CREATE TABLE loose (key text, value jsonb)')
    for (const [options, message, remedy] of [
      [{ table: 'none' }, /table none: .*does not exist/, /setUp\(\)/],
      [{ table: 'items', valueColumn: 'v' }, /column "v" of relation/, /valueColumn/],
      [{ table: 'loose' }, /no unique/, /unique index .* key/],
      [
        { table: 'items', fenceTable: 'nofence' },
        /"nofence" does not exist/,
        /setUp\(\), which makes nofence/,
      ],
    ] as const) {
      const work = open<Item>(options).write(new Map([['k', { name: 'x' }]]), seqs(['k', 1]))
      const error = await failure(work)
      assert.match(error.message, message)
      assert.ok('remedy' in error && remedy.test(String(error.remedy)), error.message)
    }
  })

  it('an abort ends the wait, for an answer and for a connection, and the pool goes on', async () => {
    const { Client, Pool } = (await import('pg')).default
    const blocker = new Client({ connectionString: server.url })
    const pool = new Pool({ connectionString: server.url, max: 1, idleTimeoutMillis: 0 })
    pool.on('error', () => {})
    const removed = new Promise((resolve) => pool.once('remove', resolve))
    const source = postgresSource<Item>({ pool, table: 'items' })
    await blocker.connect()
    try {
      await blocker.query('BEGIN; LOCK TABLE items')
      const [first, second] = [new AbortController(), new AbortController()]
      const loading = failure(source.load('k', { signal: first.signal }))
      await untilWaiting(1)
      const queued = failure(source.write(new Map([['k', null]]), { signal: second.signal }))
      second.abort(new Error('second'))
      assert.equal((await queued).message, 'second')
      first.abort(new Error('first'))
      assert.equal((await loading).message, 'first')
      // it does not go back with a question that nobody waits for
      await removed
      await blocker.query('COMMIT')
      assert.equal(await source.load('k'), null)
      assert.match((await failure(source.load('k', { signal: first.signal }))).message, /first/)
      await source.close()
      assert.equal(pool.ended, false)
    } finally {
      await blocker.end()
      await pool.end()
    }
  })

  it('a refused delete takes no number of its batch', async () => {
    await items.write(new Map([['held', { name: 'H' }]]))
    await server.query(`CREATE TABLE holds (item text REFERENCES items); INSERT INTO holds VALUES ('held')`)
    const batch = new Map([
      ['held', null],
      ['other', { name: 'O' }],
    ])
    const error = await failure(items.write(batch, seqs(['held', 7], ['other', 7])))
    assert.ok('poison' in error, error.message)
    await server.query('DROP TABLE holds')
    await items.write(batch, seqs(['held', 7], ['other', 7]))
    assert.deepEqual(await rows(), [{ key: 'other', value: { name: 'O' } }])
  })

  it('a server that crashes under a write: no poison, and all is well when it is back', async () => {
    const { Client } = (await import('pg')).default
    const blocker = new Client({ connectionString: server.url })
    blocker.on('error', () => {})
    await blocker.connect()
    await blocker.query('BEGIN; LOCK TABLE items')
    const under = [items.write(new Map([['k', null]]), seqs(['k', 2])), items.load('k')].map(failure)
    await untilWaiting(2)
    await server.kill()
    for (const error of [...(await Promise.all(under)), await failure(items.load('k'))])
      assert.equal('poison' in error, false, error.message)
    await server.restart()
    await items.write(new Map([['k', { name: 'again' }]]), seqs(['k', 3]))
    assert.deepEqual(await items.load('k'), { name: 'again' })
  })

  it('says what is wrong with its options', () => {
    const wrong: [Partial<PostgresSourceOptions<Item>>, RegExp][] = [
      [{ table: '' }, /^table: /],
      [{ keyColumn: 'x'.repeat(64) }, /^keyColumn: .*63 bytes/],
      [{ columns: [] }, /^columns: /],
      [{ columns: ['a'], valueColumn: 'b' }, /^columns and valueColumn/],
      [{ columns: ['a'], versionColumn: 'b' }, /^versionColumn: /],
      [{ toRow: () => ({}) }, /^toRow and fromRow/],
    ]
    for (const [options, message] of wrong)
      assert.throws(() => postgresSource<Item>({ table: 'items', ...options }), { message })
  })
})
