/** What every second tier does, a fake one and one over real servers: several processes, one node at a time. */
import assert from 'node:assert/strict'
import type { L2Found, L2Port } from '../../src/cache/ports.js'

export interface Tier {
  readonly a: L2Port
  readonly b: L2Port
  /** a's requests as they are, which do not ask to be told. */
  readonly plain: L2Port
  /** Until what the two have done has been told to both. */
  settle(): Promise<void>
}

const key = Buffer.from('c:k')
const body = (text: string, version = 0) => Buffer.from(`${String(version).padStart(20, '0')}${text}`)
const leaseMs = 30_000
const ttlMs = 60_000

export function l2Contract(name: string, open: () => Promise<Tier>): void {
  describe(`a second tier: ${name}`, () => {
    let tier: Tier
    let heard: string[]
    let end: () => void

    before(async () => {
      tier = await open()
    })
    beforeEach(async () => {
      await tier.a.remove([key])
      await tier.b.remove([key])
      await tier.settle()
      heard = []
      end = tier.a.listen(Buffer.from('c:'), (each) => heard.push(String(each)))
    })
    afterEach(() => end())

    const get = async (l2: L2Port, token = ''): Promise<L2Found> =>
      (await l2.getOrLease([key], { token, leaseMs: token ? leaseMs : 0 }))[0]!

    /** Whether a hears that b removes the key now. */
    async function isTold(): Promise<boolean> {
      await tier.settle()
      heard.length = 0
      await tier.b.remove([key])
      await tier.settle()
      return heard.includes('c:k')
    }

    it('leases a key to one; others are told until when', async () => {
      assert.equal((await get(tier.a)).kind, 'absent')
      assert.equal((await get(tier.a, 'ta')).kind, 'leased')
      const other = await get(tier.b, 'tb')
      assert.ok(other.kind === 'busy' && other.leftMs > 0 && other.leftMs <= leaseMs)
      assert.equal((await get(tier.a, 'ta')).kind, 'leased')
    })

    it('takes the fill of the lease that stands, once, and tells the stamp and the time left', async () => {
      await get(tier.a, 'ta')
      assert.equal((await tier.b.fill(key, { token: 'tb', body: body('no'), ttlMs })).isFilled, false)
      assert.equal((await tier.a.fill(key, { token: 'ta', body: body('one'), ttlMs })).isFilled, true)
      assert.equal((await tier.a.fill(key, { token: 'ta', body: body('two'), ttlMs })).isFilled, false)
      const found = await get(tier.b)
      assert.ok(found.kind === 'value' && found.value.body.equals(body('one')))
      assert.match(found.value.stamp, /^\d{16}$/)
      assert.ok(found.value.leftMs > 0 && found.value.leftMs <= ttlMs)
    })

    it('revokes a lease by a removal', async () => {
      await get(tier.a, 'ta')
      await tier.b.remove([key])
      assert.equal((await tier.a.fill(key, { token: 'ta', body: body('old'), ttlMs })).isFilled, false)
      assert.equal(await tier.a.keepLease(key, { token: 'ta', leaseMs }), false)
      assert.equal((await get(tier.b)).kind, 'absent')
    })

    for (const [what, act] of [
      [
        'who has found it',
        (l2: L2Port) => l2.fill(key, { token: 'ta', body: body('v'), ttlMs }).then(() => get(l2)),
      ],
      ['who has leased it', async () => undefined],
      ['who has kept its lease', (l2: L2Port) => l2.keepLease(key, { token: 'ta', leaseMs })],
      ['who has filled it', (l2: L2Port) => l2.fill(key, { token: 'ta', body: body('v'), ttlMs })],
      [
        'who has given it a new life',
        async (l2: L2Port) => {
          await l2.put(key, { body: body('v'), ttlMs })
          await l2.touch(key, { ttlMs: 2 * ttlMs })
        },
      ],
    ] as const) {
      it(`tells a removal to ${what}`, async () => {
        await get(tier.a, 'ta')
        await act(tier.a)
        assert.ok(await isTold())
      })
    }

    it('tells a removal to who has put or updated it, or does not vouch for it', async () => {
      await tier.a.put(key, { body: body('v', 1), ttlMs })
      const version = String(2).padStart(20, '0')
      for (const act of [
        () => tier.a.put(key, { body: body('v', 1), ttlMs }),
        () => tier.a.update(key, { version, body: body('w', 2), ttlMs }),
      ]) {
        const { vouch } = await act()
        assert.equal(await isTold(), vouch !== undefined)
        await tier.a.put(key, { body: body('v', 1), ttlMs })
      }
    })

    it('tells nothing of a read that did not ask, and vouches for nothing then', async () => {
      await tier.a.put(key, { body: body('v'), ttlMs })
      await isTold()
      await tier.b.put(key, { body: body('v'), ttlMs })
      const found = await get(tier.plain)
      assert.ok(found.kind === 'value')
      assert.equal(await isTold(), found.vouch !== undefined)
    })

    it('tells who waits when a lease is released, and when it is filled', async () => {
      for (const finish of [
        () => tier.b.releaseLease(key, 'tb'),
        () => tier.b.fill(key, { token: 'tb', body: body('v'), ttlMs }),
      ]) {
        await get(tier.b, 'tb')
        assert.equal((await get(tier.a, 'ta')).kind, 'busy')
        await tier.settle()
        heard.length = 0
        await finish()
        await tier.settle()
        assert.ok(heard.includes('c:k'))
      }
    })

    it('tells nobody of the own removal, and of nothing until the key is read again', async () => {
      await tier.a.put(key, { body: body('v'), ttlMs })
      await tier.settle()
      heard.length = 0
      await tier.a.remove([key])
      await tier.b.put(key, { body: body('w'), ttlMs })
      await tier.settle()
      assert.deepEqual(heard, [])
    })

    it('loads anew in place of the one value that was read, one at a time', async () => {
      await tier.a.put(key, { body: body('old'), ttlMs })
      const found = await get(tier.a)
      assert.ok(found.kind === 'value')
      const { stamp } = found.value
      assert.equal(await tier.a.startRefresh(key, { stamp, token: 'ta', leaseMs }), true)
      assert.equal(await tier.b.startRefresh(key, { stamp, token: 'tb', leaseMs }), false)
      const refill = (text: string) => tier.a.refill(key, { stamp, token: 'ta', body: body(text), ttlMs })
      assert.equal((await refill('new')).isFilled, true)
      assert.equal((await refill('late')).isFilled, false)
      assert.equal(await tier.b.startRefresh(key, { stamp, token: 'tb', leaseMs }), false)
    })

    it('replaces older versions only, and puts nothing where nothing stands', async () => {
      const update = (version: number) =>
        tier.a.update(key, {
          ...{ version: String(version).padStart(20, '0'), body: body(`v${version}`, version) },
          ttlMs,
        })
      assert.equal((await update(1)).isFilled, false)
      await tier.a.put(key, { body: body('v2', 2), ttlMs })
      assert.equal((await update(1)).isFilled, false)
      assert.equal((await update(2)).isFilled, false)
      assert.equal((await update(3)).isFilled, true)
      await get(tier.a)
      await tier.a.remove([key])
      await get(tier.a, 'ta')
      await update(4)
      assert.equal((await get(tier.a)).kind, 'absent')
    })

    it('shows a writer’s marker to readers; another writer’s stays', async () => {
      await tier.a.mark(key, { token: 'wa', leaseMs })
      assert.equal((await get(tier.b, 'tb')).kind, 'marked')
      await tier.b.mark(key, { token: 'wb', leaseMs })
      await tier.a.unmark(key, 'wa')
      assert.equal((await get(tier.a)).kind, 'marked')
      await tier.b.unmark(key, 'wb')
      assert.equal((await get(tier.a)).kind, 'absent')
    })

    it('gives tags versions that only grow, and tells how old they are', async () => {
      const tag = Buffer.from('c#t')
      const [first] = await tier.a.tagVersions([tag])
      await tier.b.invalidateTag(tag)
      const [second] = await tier.a.tagVersions([tag])
      await tier.b.invalidateTag(tag)
      const [third] = await tier.a.tagVersions([tag])
      assert.ok(Number(first!.version) < Number(second!.version))
      assert.ok(Number(second!.version) < Number(third!.version))
      assert.ok(third!.ageMs >= 0 && third!.ageMs < 10_000)
    })
  })
}
