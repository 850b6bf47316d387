/** Races of keys that are published as hot: which are kept in L1 alone, told of alone, and read from copies. */
import assert from 'node:assert/strict'
import { copyName } from '../../src/hotkeys/hot-set.js'
import * as weak from '../support/cache-weaknesses.js'
import { playRaces, type Stage } from './race-stage.js'
import type { Race } from './race-table.js'

const copy = copyName(Buffer.from('c:k'), 1, undefined).toString()
const held = ['a < source']
const split = { cache: { l1: false }, tracking: 'hot' } as const
const local = { cache: { l1: 'hot' }, tracking: 'hot' } as const

/** c, which knows of no copies, has filled the original; a and b read its copy. */
async function splitOriginal({ steps, a, b, c }: Stage): Promise<void> {
  await steps.finish(c.get('k'))
  for (const { hot } of [a, b]) hot.publish({ split: { 'c:k': 1 } })
}

const races: readonly Race[] = [
  {
    ...split,
    race: 'a copy is filled after a write, with what was read before it',
    broken: { 'a copy is filled without a lease': weak.fillsCopiesAnyway },
    async play(stage) {
      const { steps, a, b, version } = stage
      await splitOriginal(stage)
      const late = [`fill ${copy}`]
      assert.equal((await steps.finish(a.get('k'), { but: late }))?.version, 0)
      assert.ok(steps.has(late[0]!))
      await steps.finish(b.write('k'), { but: late })
      await steps.takeAll()
      for (const process of [b, a]) assert.equal(await version(process), 1)
    },
  },
  {
    ...split,
    race: 'a copy is filled while a write is under way',
    broken: {
      'copies go before the value does': weak.removesCopiesFirst,
      'copies stay': weak.leavesCopies,
    },
    async play(stage) {
      const { steps, a, b, version } = stage
      await splitOriginal(stage)
      assert.equal(await version(a), 0)
      const write = b.write('k')
      await steps.takeAll({ but: ['remove c:k'] })
      assert.equal(await version(a, ['remove c:k']), 0)
      await steps.takeAll({ but: ['remove c:k'] })
      await steps.finish(write)
      for (const process of [b, a]) assert.equal(await version(process), 1)
    },
  },
  {
    ...split,
    race: 'a whole write comes between the looks at a copy and at its original',
    broken: { 'a copy is leased after its original was read': weak.readsOwnerFirst },
    async play(stage) {
      const { steps, a, b, version } = stage
      await splitOriginal(stage)
      const read = a.get('k')
      await steps.takeAll({ but: [`a > ${stage.world.fleet.ownerOf(copy)} get ${copy}`] })
      await steps.finish(b.write('k'), { but: ['a > '] })
      await steps.finish(read)
      for (const process of [b, a]) assert.equal(await version(process), 1)
    },
  },
  {
    ...split,
    race: 'another program, which knows nothing of copies, drops the original: a second later nobody reads its copy',
    broken: { 'copies live longer': weak.copiesLiveLong },
    async play(stage) {
      const { steps, world, a, version } = stage
      await splitOriginal(stage)
      await version(a)
      await steps.pass(490)
      await steps.finish(world.source.write('k'))
      world.fleet.nodeOf('c:k').remove({ push: () => undefined }, 'c:k')
      await steps.pass(1_000)
      assert.equal(await version(a), 1)
    },
  },
  {
    ...split,
    race: 'a key that nobody tells of is invalidated while it is loaded: who comes later begins anew',
    broken: { 'what nobody tells of is shared': weak.vouchesUntold },
    async play({ steps, a, b }) {
      const first = a.get('k')
      await steps.takeAll({ but: held })
      await steps.finish(b.write('k'), { but: held })
      const second = a.get('k')
      assert.equal((await steps.finish(second))?.version, 1)
      assert.equal((await first)?.version, 0)
    },
  },
  {
    ...split,
    race: 'three processes miss at once a key that nobody tells of: who waits asks to be told',
    broken: { 'who waits is not woken': weak.asksUntold },
    async play({ steps, world, processes }) {
      const startedMs = world.time.nowMs()
      await steps.finish(Promise.all(processes.map(({ get }) => get('k'))))
      assert.equal(world.source.reads, 1)
      assert.ok(world.time.nowMs() - startedMs < 100)
    },
  },
  {
    ...local,
    race: 'the load of a hot key takes longer than its lease, which is kept, and then revoked',
    broken: { 'a lease that is kept is told of no more': weak.keepsUntold },
    async play({ steps, a, b }) {
      a.hot.publish({ local: ['c:k'] })
      const first = a.get('k')
      await steps.pass(800, { but: held })
      await steps.finish(b.write('k'), { but: held })
      const second = a.get('k')
      assert.equal((await steps.finish(second))?.version, 1)
      assert.equal((await first)?.version, 0)
    },
  },
  {
    ...local,
    race: 'a hot key is kept in L1, and no other; its invalidation is told',
    broken: { 'what was asked for is not told': weak.asksUntold },
    async play({ steps, a, b, c, version }) {
      await steps.finish(c.get('k'))
      a.hot.publish({ local: ['c:k'] })
      await steps.finish(Promise.all([a.get('k'), a.get('m')]))
      assert.equal(a.cache.peek('k')?.version, 0)
      assert.equal(a.cache.peek('m'), undefined)
      await steps.finish(b.write('k'))
      await steps.takeAll()
      assert.equal(a.cache.peek('k'), undefined)
      assert.equal(await version(a), 1)
      assert.equal(a.cache.peek('k')?.version, 1)
    },
  },
  {
    ...local,
    race: 'a key becomes hot while it is read: what nobody told of is not kept',
    broken: { 'it is vouched for': weak.vouchesUntold },
    async play({ steps, a, b, c, version }) {
      await steps.finish(c.get('k'))
      const read = a.get('k')
      await steps.take('a > ')
      a.hot.publish({ local: ['c:k'] })
      await steps.finish(b.write('k'), { but: ['a < '] })
      await steps.finish(read)
      assert.equal(await version(a), 1)
    },
  },
  {
    ...local,
    race: 'a key leaves the hot set: L1 drops it',
    broken: { 'it stays': weak.keepsWhatHasLeft },
    async play({ steps, a }) {
      a.hot.publish({ local: ['c:k', 'other:k'] })
      await steps.finish(a.get('k'))
      assert.deepEqual(
        [a.cache.peek('k')?.version, a.cache.stats.hotKeys, a.cache.stats.hotGeneration],
        [0, 1, 1],
      )
      a.hot.publish({ local: [] })
      assert.deepEqual(
        [a.cache.peek('k'), a.cache.stats.hotKeys, a.cache.stats.hotGeneration],
        [undefined, 0, 2],
      )
    },
  },
  {
    ...split,
    race: 'the node of a copy is frozen: reads and writes lose half a deadline once, and the owner is not to blame',
    broken: {},
    async play(stage) {
      const { steps, world, a, node, version } = stage
      await splitOriginal(stage)
      const other = world.fleet.ownerOf(copy)
      assert.notEqual(other, node)
      world.fleet.freeze(other)
      const took = async (act: () => Promise<unknown>) => {
        const startedMs = world.time.nowMs()
        await steps.finish(act())
        return world.time.nowMs() - startedMs
      }
      assert.equal(await took(() => a.get('k')), 25)
      assert.deepEqual([a.l2.isUp(node), a.l2.isUp(other)], [true, false])
      assert.equal(await took(() => a.get('k')), 0)
      assert.equal(await took(() => a.write('k')), 0)
      assert.equal(await version(a), 1)
    },
  },
]

describe('races of hot keys', () => playRaces(races))
