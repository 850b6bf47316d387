import assert from 'node:assert/strict'
import { assertFailed, ChangingRing, preload } from '../support/changing-ring.js'

const quick = { NODE_OPTIONS: preload('quick-timers') }
const slowly = ['--connections', '1', '--max-keys-per-sec', '100']

describe('a node that goes away in the middle of a change', () => {
  describe('and keeps its data (AOF)', () => {
    let ring: ChangingRing
    before(async () => {
      ring = await ChangingRing.start({
        args: ['--appendonly', 'yes', '--appendfsync', 'always'],
        keys: 1_000,
      })
    })
    after(() => ring.stop())
    afterEach(() => ring.home())

    for (const [row, role, index] of [
      ['fault-12', 'source', 0],
      ['fault-14', 'target', 2],
    ] as const) {
      it(`${row}: the ${role} is killed: exit 4 names it; it starts again, and resume finishes`, async () => {
        const { result } = await ring.startUntil(ring.add(...slowly), 120, quick)
        const { id, port } = ring.servers.servers[index]!
        await ring.servers.kill(index)
        assertFailed(
          await result,
          4,
          new RegExp(`node ${id} \\(127\\.0\\.0\\.1:${port}\\): [\\s\\S]*ring resume`),
        )
        assert.equal((await ring.status()).phase, 'migrate')
        await ring.fails(ring.resume(), 4, new RegExp(`node ${id} .*ECONNREFUSED`))
        await ring.servers.restart(index)
        await ring.succeeds(ring.resume())
        await ring.assertIntact()
      })
    }

    it('fault-14: the target is killed in the middle of a big key: the source keeps it, resume moves it whole', async () => {
      const home = await ring.servers.connect(0)
      const value = 'x'.repeat(2_000)
      for (let from = 0; from < 10_000; from += 500) {
        const fields = Array.from({ length: 500 }, (_, field) => [`f${from + field}`, value]).flat()
        for (const name of ['huge:1', 'huge:2', 'huge:3']) await home.call('HSET', name, ...fields)
      }
      await ring.succeeds(['ring', 'check', '-t', ring.file, '--repair'])
      await ring.adopt()
      const { result } = await ring.startUntil(ring.add('--big-key', '65536'), 1, quick)
      const target = await ring.servers.connect(ring.spare)
      const staged = async () =>
        String(await target.call('SCAN', 0, 'MATCH', '__cachectl:mv:*', 'COUNT', 10_000))
      while (!(await staged()).includes('huge')) {}
      await ring.servers.kill(ring.spare)
      assertFailed(await result, 4, new RegExp(`node ${ring.newcomer}`))
      await ring.servers.restart(ring.spare)
      await ring.succeeds(ring.resume('--big-key', '65536'))
      const left = await (await ring.servers.connect(ring.spare)).call('KEYS', '__cachectl:mv:*')
      assert.deepEqual(left, [])
      await ring.assertIntact()
    })
  })

  describe('and comes back empty', () => {
    let ring: ChangingRing
    beforeEach(async () => {
      ring = await ChangingRing.start({ keys: 1_000 })
    })
    afterEach(() => ring.stop())

    it('fault-12: a source: what it had not handed over is lost with it; resume finishes with the rest', async () => {
      const { result } = await ring.startUntil(ring.add(...slowly), 120, quick)
      await ring.servers.kill(0)
      assertFailed(await result, 4, /node n1 /)
      await ring.servers.restart(0)
      await ring.succeeds(ring.resume())
      const kept = await keysOf(ring)
      assert.ok(kept > 500 && kept < 1_000, `${kept} keys`)
      await ring.assertIntact({ lost: 1_000 - kept })
    })

    it('fault-55: a target within a moment: exit 5, it is not the server it was; resume goes on with what there is', async () => {
      const { result } = await ring.startUntil(ring.add(...slowly), 120)
      await ring.servers.restart(ring.spare)
      assertFailed(
        await result,
        5,
        /node n3 .*: this is not the server that it was .*run_id[\s\S]*ring resume/,
      )
      const before = await keysOf(ring)
      await ring.succeeds(ring.resume())
      // what it had been given was its own to keep; nothing else is gone
      assert.ok(before < 900 && before > 500, `${before} keys`)
      await ring.assertIntact({ lost: 1_000 - before })
    })

    it('fault-57: FLUSHALL at the target: what had arrived is lost by it, everything else arrives', async () => {
      const { result } = await ring.startUntil(ring.add(...slowly), 100)
      const target = await ring.servers.connect(ring.spare)
      const [moved] = await target.send([['DBSIZE'], ['FLUSHALL']])
      const { exitCode, stderr } = await result
      // our token on the node went with it, so that nobody can tell whose the node is: the change stops
      assert.equal(exitCode, 5, stderr)
      assert.match(stderr, /a node has forgotten this change .*flushed[\s\S]*ring resume/)
      await ring.succeeds(ring.resume())
      const lost = 1_000 - (await keysOf(ring))
      // a batch may have arrived between our look and the flush
      assert.ok(lost >= Number(moved) - 1 && lost <= Number(moved) + 100, `${lost} lost, ${moved} had moved`)
      await ring.assertIntact({ lost })
    })
  })
})

async function keysOf({ servers }: ChangingRing): Promise<number> {
  let total = 0
  for (const index of servers.servers.keys()) {
    const reply = await (await servers.connect(index)).call('SCAN', 0, 'COUNT', 10_000)
    const keys = Array.isArray(reply) && Array.isArray(reply[1]) ? reply[1] : []
    total += keys.filter((key) => !String(key).startsWith('__cachectl:')).length
  }
  return total
}
