import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { freshSeed } from '../../src/random.js'
import { type CacheProcesses, staleReads, startCaches } from '../support/cache-processes.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const seed = Number(process.env.SEED ?? freshSeed())

describe(`caches of several processes (SEED=${seed})`, () => {
  let servers: TestServers
  let caches: CacheProcesses

  before(async () => {
    servers = await startServers(3)
  })
  after(() => servers.stop())
  afterEach(() => caches.stop())

  const start = async (count: number, more: { loadMs: number; isThrowing?: boolean }) => {
    const [one, two, source] = servers.servers
    const job = { ring: [one!.url, two!.url], sourcePort: source!.port, ...more }
    caches = await startCaches(Array.from({ length: count }, () => job))
    return caches.processes
  }

  it('race 2: one load for a thousand callers in each of four', async () => {
    const processes = await start(4, { loadMs: 50 })
    const reports = await Promise.all(
      processes.map((process) => process.run({ kind: 'get', key: 'cold', callers: 1_000 })),
    )
    assert.equal(
      reports.reduce((sum, { loads }) => sum + loads, 0),
      1,
    )
    for (const { versions, errors } of reports) assert.deepEqual([versions.length, errors], [1_000, []])
  })

  it('an error is told to all who wait, after one call in each process', async () => {
    const processes = await start(2, { loadMs: 10, isThrowing: true })
    const reports = await Promise.all(
      processes.map((process) => process.run({ kind: 'get', key: 'bad', callers: 1_000 })),
    )
    for (const { loads, errors } of reports) {
      assert.equal(loads, 1)
      assert.equal(errors.filter((error) => error === 'Error: the source fails').length, 1_000)
    }
  })

  it('a process killed in mid load: another takes over when its lease has ended', async () => {
    const [first, second] = await start(2, { loadMs: 300 })
    void first!.run({ kind: 'get', key: 'left' }).catch(() => undefined)
    await systemClock.sleep(100)
    first!.signal('SIGKILL')
    const { versions, maxMs } = await second!.run({ kind: 'get', key: 'left' })
    assert.deepEqual(versions, [0])
    assert.ok(maxMs < 4_000, `${maxMs} ms`)
  })

  it('races 1, 6, 7 and 8: readers and writers in three: nothing old is read later than its news travels', async () => {
    const processes = await start(3, { loadMs: 1 })
    const reports = await Promise.all(
      processes.map((process, index) =>
        process.run({
          ...{ kind: 'stress', seed: seed + index, keys: 20, forMs: 1_500 },
          ...{ writeShare: 0.01, pauseMs: 1 },
        }),
      ),
    )
    assert.deepEqual(
      reports.flatMap(({ errors }) => errors),
      [],
    )
    const stale = staleReads(reports).filter(({ lateMs }) => lateMs > 200)
    assert.deepEqual(stale, [])
    const writes = reports.reduce((sum, each) => sum + each.writes.length, 0)
    const loads = reports.reduce((sum, each) => sum + each.loads, 0)
    assert.ok(loads <= 1.05 * writes + 20, `${loads} loads after ${writes} writes`)
  })
})
