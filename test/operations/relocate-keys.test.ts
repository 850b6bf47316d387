import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { checkRing } from '../../src/operations/check-ring.js'
import { relocateKeys } from '../../src/operations/relocate-keys.js'
import { buildRing } from '../../src/ring/build-ring.js'
import { type FakeFleet, fakeFleet, silent } from '../support/fake-fleet.js'
import { testNode, testTopology } from '../support/redis-servers.js'

const ids = ['n1', 'n2', 'n3']
const ring = buildRing(testTopology(ids.map((id, index) => testNode(id, 7_001 + index))))
const names = Array.from({ length: 3_000 }, (_, index) => `key:${index}`)
const ownerOf = (key: string) => ids[ring.ownerIndex(Buffer.from(key))]!
const all = Object.fromEntries(names.map((name) => [name, `v:${name}`]))

function relocate(fleet: FakeFleet, more: { signal?: AbortSignal; concurrency?: number } = {}) {
  return relocateKeys({
    nodes: ids,
    ring,
    keys: fleet,
    clock: systemClock,
    progress: silent,
    signal: new AbortController().signal,
    concurrency: 4,
    expectedKeyCount: 0,
    ...more,
  })
}

describe('relocating keys', () => {
  it('brings every key to its owner, and says how many', async () => {
    const fleet = fakeFleet({ n1: all, n2: {}, n3: {} })
    const { movedCount, conflicts } = await relocate(fleet)
    assert.equal(movedCount, names.filter((name) => ownerOf(name) !== 'n1').length)
    assert.deepEqual(conflicts, [])
    for (const [id, keys] of fleet.nodes) for (const key of keys.keys()) assert.equal(ownerOf(key), id)
  })

  it('goes on until a whole pass finds nothing: also what was written behind its back', async () => {
    const fleet = fakeFleet({ n1: all, n2: {}, n3: {} })
    const late = names.find((name) => ownerOf(name) === 'n3')!
    let wrote = false
    fleet.onMove = () => {
      if (!wrote) fleet.nodes.get('n2')!.set(`${late}`, `v:${late}`)
      wrote = true
    }
    await relocate(fleet)
    assert.equal(fleet.nodes.get('n2')!.has(late), false)
  })

  it('does not end while a key is found and does not move: somebody is busy with it', async () => {
    const stuck = names.find((name) => ownerOf(name) === 'n3')!
    const fleet = fakeFleet({ n1: { [stuck]: 'v' }, n2: {}, n3: {} })
    const move = fleet.move.bind(fleet)
    let refusals = 3
    fleet.move = async (batch) =>
      refusals-- > 0 ? { movedCount: 0, movedBytes: 0, conflicts: [], big: [] } : move(batch)
    const { movedCount } = await relocate(fleet)
    assert.equal(movedCount, 1)
    assert.deepEqual([...fleet.nodes.get('n3')!.keys()], [stuck])
  })

  it('moves big keys last and one by one, but one that a client waits for at once', async () => {
    const fleet = fakeFleet({ n1: all, n2: {}, n3: {} })
    const moving = names.filter((name) => ownerOf(name) !== 'n1')
    const big = new Set(moving.slice(0, 20))
    const order: string[] = []
    const move = fleet.move.bind(fleet)
    let wish: string | undefined = moving[19]!
    fleet.wanted = async (node) => {
      if (node !== 'n1' || wish === undefined) return []
      const key = Buffer.from(wish)
      wish = undefined
      return [key]
    }
    fleet.move = async (batch) => {
      await systemClock.sleep(1)
      order.push('batch')
      const small = batch.keys.filter((key) => !big.has(String(key)))
      const left = batch.keys.filter((key) => big.has(String(key)))
      return { ...(await move({ ...batch, keys: small })), big: left }
    }
    let atOnce = 0
    fleet.moveBig = async ({ key, ...where }) => {
      atOnce += 1
      assert.equal(atOnce, 1)
      await systemClock.sleep(1)
      order.push(String(key))
      atOnce -= 1
      return move({ ...where, keys: [key] })
    }
    await relocate(fleet)
    for (const [id, keys] of fleet.nodes) for (const key of keys.keys()) assert.equal(ownerOf(key), id)
    const bigMoves = order.filter((each) => big.has(each))
    assert.equal(bigMoves[0], moving[19])
    assert.equal(new Set(bigMoves).size, 20)
    assert.ok(order.lastIndexOf('batch') < order.indexOf(bigMoves[1]!))
  })

  it('gives up on a fleet whose clients keep writing to the wrong node', async () => {
    const stray = names.find((name) => ownerOf(name) === 'n3')!
    const fleet = fakeFleet({ n1: { [stray]: 'v' }, n2: {}, n3: {} })
    const scan = fleet.scan.bind(fleet)
    fleet.scan = (node) => {
      fleet.nodes.get('n3')!.delete(stray)
      fleet.nodes.get('n1')!.set(stray, 'v')
      return scan(node)
    }
    await assert.rejects(relocate(fleet), { exitCode: 6, message: /keeps writing keys/ })
  })

  it('keeps to its limit of batches for each node', async () => {
    const fleet = fakeFleet({ n1: all, n2: {}, n3: {} })
    fleet.onMove = () => systemClock.sleep(1)
    await relocate(fleet, { concurrency: 2 })
    assert.equal(fleet.load.most, 2)
  })

  it('lists conflicts and leaves them', async () => {
    const stray = names.find((name) => ownerOf(name) === 'n2')!
    const fleet = fakeFleet({ n1: { [stray]: 'a' }, n2: { [stray]: 'b' }, n3: {} })
    const { conflicts } = await relocate(fleet)
    assert.deepEqual(conflicts, [{ key: Buffer.from(stray), node: 'n1', owner: 'n2' }])
    assert.deepEqual([fleet.nodes.get('n1')!.get(stray), fleet.nodes.get('n2')!.get(stray)], ['a', 'b'])
  })

  it('on a failure waits for what is under way, then throws it', async () => {
    const fleet = fakeFleet({ n1: all, n2: {}, n3: {} })
    let moves = 0
    fleet.onMove = async () => {
      moves += 1
      if (moves === 2) throw new Error('node n2 died')
      await systemClock.sleep(5)
    }
    await assert.rejects(relocate(fleet), /node n2 died/)
    assert.equal(fleet.load.now, 0)
  })

  it('on a failed scan waits for what is under way, then throws it', async () => {
    const fleet = fakeFleet({ n1: all, n2: {}, n3: {} })
    const scan = fleet.scan.bind(fleet)
    fleet.onMove = () => systemClock.sleep(5)
    fleet.scan = async function* (node) {
      let batches = 0
      for await (const batch of scan(node)) {
        if (++batches > 20) throw new Error('node n1 died')
        yield batch
      }
    }
    await assert.rejects(relocate(fleet), /node n1 died/)
    assert.equal(fleet.load.now, 0)
  })

  it('stops when it is told to, with the batches under way finished', async () => {
    const fleet = fakeFleet({ n1: all, n2: {}, n3: {} })
    const abort = new AbortController()
    fleet.onMove = async () => {
      await systemClock.sleep(1)
      abort.abort(new Error('stopped by SIGINT'))
    }
    await assert.rejects(relocate(fleet, { signal: abort.signal }), /stopped by SIGINT/)
    assert.equal(fleet.load.now, 0)
    const held = [...fleet.nodes.values()].reduce((sum, keys) => sum + keys.size, 0)
    assert.equal(held, names.length)
  })
})

describe('checking a ring', () => {
  const check = (fleet: FakeFleet, listLimit = 10) =>
    checkRing({ ring, keys: fleet, progress: silent, signal: new AbortController().signal, listLimit })

  it('finds stray keys once, although SCAN repeats itself, and says where they belong', async () => {
    const stray = names.find((name) => ownerOf(name) === 'n2')!
    const { misplacedCount, duplicateCount, misplaced } = await check(
      fakeFleet({ n1: { [stray]: 'a' }, n2: {}, n3: {} }),
    )
    assert.deepEqual([misplacedCount, duplicateCount], [1, 0])
    assert.deepEqual(misplaced, [{ key: Buffer.from(stray), node: 'n1', owner: 'n2', alsoOnOwner: false }])
  })

  it('counts keys on several nodes: on the owner too, or on two wrong ones', async () => {
    const stray = names.find((name) => ownerOf(name) === 'n2')!
    const both = await check(fakeFleet({ n1: { [stray]: 'a' }, n2: { [stray]: 'a' }, n3: {} }))
    assert.deepEqual([both.misplacedCount, both.duplicateCount], [1, 1])
    const wrong = await check(fakeFleet({ n1: { [stray]: 'a' }, n2: {}, n3: { [stray]: 'a' } }))
    assert.deepEqual([wrong.misplacedCount, wrong.duplicateCount], [2, 1])
  })

  it('lists no more than asked for, and counts all', async () => {
    const { misplaced, misplacedCount } = await check(fakeFleet({ n1: all, n2: {}, n3: {} }), 3)
    assert.equal(misplaced.length, 3)
    assert.equal(misplacedCount, names.filter((name) => ownerOf(name) !== 'n1').length)
  })
})
