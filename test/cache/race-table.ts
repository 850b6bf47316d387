/**
 * The races of a cache beside a database, each in the one order of events in which it bites, and what a library without
 * its protocol would be: the same play must find it. Race 12, of write-behind, has tests of its own.
 */
import assert from 'node:assert/strict'
import type { CacheOptions } from '../../src/cache/options.js'
import type { Tracking } from '../../src/redis/tracked-connection.js'
import * as weak from '../support/cache-weaknesses.js'
import type { Weakness } from '../support/cache-world.js'
import type { Row } from '../support/fake-source.js'
import type { Stage } from './race-stage.js'

export interface Race {
  readonly race: string
  readonly cache?: Partial<CacheOptions<Row>>
  /** Each value carries these. */
  readonly tags?: readonly string[]
  /** Default: of all that is read. */
  readonly tracking?: Tracking
  readonly broken: Readonly<Record<string, Weakness>>
  play(stage: Stage): Promise<void>
}

const held = ['a < source']

export const races: readonly Race[] = [
  {
    race: '1: a writer commits and deletes while a reader with the old row is about to fill',
    broken: { 'a fill asks for no lease': weak.fillsAnyway },
    async play({ steps, a, b, version }) {
      const read = a.get('k')
      await steps.takeAll({ but: held })
      await steps.finish(b.write('k'), { but: held })
      assert.equal((await steps.finish(read))?.version, 0)
      for (const process of [a, b]) assert.equal(await version(process), 1)
    },
  },
  {
    race: '2: three processes miss one key at once',
    broken: {
      'everybody gets a lease': weak.leasesAll,
      'who waits is not woken': weak.tellsNobody,
    },
    async play({ steps, world, processes }) {
      const startedMs = world.time.nowMs()
      await steps.finish(Promise.all(processes.map(({ get }) => get('k'))))
      assert.equal(world.source.reads, 1)
      assert.ok(world.time.nowMs() - startedMs < 100)
    },
  },
  {
    race: '3: a reader stands still for longer than its lease, and fills after a newer value',
    broken: { 'a fill asks for no lease': weak.fillsAnyway },
    async play({ steps, world, a, b, c, version }) {
      const read = a.get('k')
      await steps.takeAll({ but: held })
      world.time.jump(3_000)
      await steps.finish(world.source.write('k'), { but: held })
      assert.equal(await version(b, held), 1)
      await steps.finish(read)
      assert.equal(await version(c), 1)
    },
  },
  {
    race: '4: two writers reach the source in one order and the cache in the other',
    cache: { version: (row) => row.version },
    broken: { 'the later write stays': weak.comparesNoVersions },
    async play({ steps, a, b, c, version }) {
      assert.equal(await version(c), 0)
      const first = a.set('k')
      await steps.takeAll({ but: [' update '] })
      const second = b.set('k')
      await steps.takeAll({ but: ['a > n'] })
      await steps.finish(Promise.all([first, second]))
      assert.equal(await version(c), 2)
    },
  },
  {
    race: '4: the source refuses what the cache would have taken',
    cache: { version: (row) => row.version + 1 },
    broken: { 'both are written at once': weak.writesBothAtOnce },
    async play({ steps, world, a, c, version }) {
      assert.equal(await version(c), 0)
      world.source.isRefusing = true
      await assert.rejects(steps.finish(a.set('k')), /refuses/)
      assert.equal(await version(c), 0)
    },
  },
  {
    race: '5: a writer dies between the commit and the delete (strict)',
    cache: { strict: true },
    broken: { 'no marker stands meanwhile': weak.marksNothing },
    async play({ steps, world, a, b, c, version }) {
      assert.equal(await version(c), 0)
      void a.set('k').catch(() => undefined)
      await steps.takeAll({ but: held })
      a.l2.end()
      await steps.takeAll()
      assert.equal(await version(b), 1)
      await steps.pass(16_000)
      const { reads } = world.source
      for (const process of [b, c, b, c]) assert.equal(await version(process), 1)
      assert.equal(world.source.reads, reads + 1)
    },
  },
  {
    race: '6: invalidations come by a socket of their own, which is silent while answers go on',
    broken: { 'they are not on the socket of the answers': weak.hearsNothing },
    async play({ steps, a, b, version }) {
      assert.equal(await version(a), 0)
      await steps.finish(b.write('k'))
      await steps.pass(2_000)
      assert.equal(await version(a), 1)
    },
  },
  {
    race: '7: the own delete crosses the own read, and NOLOOP tells nothing',
    broken: { 'own writes touch nothing that is under way': weak.ownWritesDirtyNothing },
    async play({ steps, node, a, b, version }) {
      assert.equal(await version(b), 0)
      const write = a.write('k')
      await steps.takeAll({ but: ['a < source write'] })
      const read = a.get('k')
      await steps.take(`a > ${node} get`, 'a < source write')
      await steps.finish(Promise.all([read, write]))
      assert.equal(await version(a), 1)
    },
  },
  {
    race: '8: the key is not tracked for the one who leased it',
    broken: { 'it is not read again inside the script': weak.readsOnce },
    async play({ steps, a, b, version }) {
      const first = a.get('k')
      await steps.takeAll({ but: held })
      await steps.finish(b.write('k'), { but: held })
      const second = a.get('k')
      await steps.finish(first)
      assert.equal((await steps.finish(second))?.version, 1)
      assert.equal(await version(a), 1)
    },
  },
  {
    race: '8: nor for the one who has just kept its lease',
    broken: { 'it is not read again after that': weak.keepsUntracked },
    async play({ steps, a, b }) {
      const first = a.get('k')
      await steps.pass(700, { but: held })
      await steps.finish(b.write('k'), { but: held })
      const second = a.get('k')
      await steps.finish(first)
      assert.equal((await steps.finish(second))?.version, 1)
    },
  },
  {
    race: '9: the connection is half-open',
    broken: { 'the word of a node never ends': weak.vouchesForEver },
    async play({ steps, a, b, node, version }) {
      assert.equal(await version(a), 0)
      a.l2.linkTo(node).isSilent = true
      await steps.finish(b.write('k'))
      await steps.pass(1_000)
      assert.equal(await version(a), 1)
    },
  },
  {
    race: '9: it goes while a load is under way that others would join',
    broken: { 'a load is joined whatever its node says': weak.joinsForEver },
    async play({ steps, a, b, node }) {
      const first = a.get('k')
      await steps.takeAll({ but: held })
      a.l2.linkTo(node).isSilent = true
      await steps.finish(b.write('k'), { but: held })
      await steps.pass(1_000, { but: held })
      const second = a.get('k')
      await steps.finish(first)
      assert.equal((await steps.finish(second))?.version, 1)
    },
  },
  {
    race: '10: a tag is invalidated while a value that will carry it is loaded',
    tags: ['t'],
    broken: { 'its version is taken after the load, whatever its age': weak.ageless },
    async play({ steps, world, a, b, c, version }) {
      // the tag is known already
      await steps.finish(c.get('other'))
      await steps.pass(10)
      const read = a.get('k')
      await steps.takeAll({ but: held })
      await steps.finish(world.source.write('k'), { but: held })
      await steps.finish(b.cache.invalidate({ tag: 't' }), { but: held })
      await steps.finish(read)
      for (const process of [a, b]) assert.equal(await version(process), 1)
    },
  },
  {
    race: '10: between the answers of two nodes about its tags',
    tags: ['t', 'u'],
    broken: { 'what was heard meanwhile is forgotten': weak.forgetsTagChanges },
    async play({ steps, world, a, b, c, version }) {
      await steps.finish(c.get('other'))
      await steps.pass(10)
      const { fleet } = world
      assert.notEqual(fleet.ownerOf('c#t'), fleet.ownerOf('c#u'))
      const slow = [`a < ${fleet.ownerOf('c#u')} tags`]
      const read = a.get('k')
      await steps.takeAll({ but: slow })
      await steps.finish(world.source.write('k'), { but: slow })
      await steps.finish(b.cache.invalidate({ tag: 't' }), { but: slow })
      await steps.finish(read)
      assert.equal(await version(a), 1)
    },
  },
  {
    race: '11: a node comes back with what it had before a delete',
    broken: { 'it is believed': weak.believesAll },
    async play({ steps, world, node, a, b, version }) {
      assert.equal(await version(a), 0)
      const saved = world.fleet.nodes.get(node)!.save()
      await steps.finish(b.write('k'))
      await steps.pass(3_000)
      world.fleet.restart(node, saved)
      await steps.pass(1_000)
      for (const process of [a, b]) assert.equal(await version(process), 1)
    },
  },
  {
    race: '13: a delete does not reach its node',
    broken: { 'it is not repeated': weak.repeatsNothing },
    async play({ steps, a, b, node, version }) {
      assert.equal(await version(a), 0)
      b.l2.linkTo(node).isSilent = true
      await assert.rejects(steps.finish(b.write('k')), /no answer/)
      await steps.pass(5_000)
      assert.equal(await version(a), 1)
    },
  },
  {
    race: '13: a removal that was late crosses a read of its own process',
    broken: { 'nothing is dropped after it': weak.dropsNothingLate },
    async play({ steps, a, b, node, version }) {
      assert.equal(await version(b), 0)
      a.l2.linkTo(node).isSilent = true
      await assert.rejects(steps.finish(a.write('k')), /no answer/)
      while (!a.l2.isUp(node)) await steps.pass(5)
      await version(a)
      // the late removal tells its own process nothing
      await steps.pass(3_000)
      await steps.finish(b.write('k'))
      assert.equal(await version(a), 2)
    },
  },
  {
    race: 'a key moves to another node between its lease and its fill, and later under those who have it',
    broken: { 'a move tells nobody': weak.movesSilently },
    async play({ steps, world, node, a, b, version }) {
      const read = a.get('k')
      await steps.takeAll({ but: held })
      const [second, third] = ['n1', 'n2', 'n3'].filter((each) => each !== node)
      world.fleet.move('c:k', second!)
      await steps.finish(read)
      assert.equal(await version(b), 0)
      assert.equal(await version(a), 0)
      assert.equal(world.source.reads, 1)
      world.fleet.move('c:k', third!)
      await steps.takeAll()
      await steps.finish(b.write('k'))
      assert.equal(await version(a), 1)
    },
  },
  {
    race: 'the clocks of nodes and processes differ by an hour',
    cache: { ttl: '1s', jitter: 0 },
    broken: { 'times of day are compared': weak.comparesClocks },
    async play({ steps, world, a, b, version }) {
      for (const skewMs of [3_600_000, -3_600_000]) {
        for (const node of world.fleet.nodes.values()) node.skewMs = skewMs
        const before = await version(a)
        assert.equal(await version(b), before)
        await steps.finish(world.source.write('k'))
        await steps.pass(1_100)
        assert.equal(await version(b), before! + 1)
        await steps.finish(a.cache.invalidate('k'))
      }
    },
  },
]
