import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { moveBatch } from '../../src/redis/move-keys.js'
import type { Pair } from '../../src/redis/pair.js'
import { openConnection, type RespConnection } from '../../src/redis/resp-connection.js'
import { awkwardKey, createCommands, fingerprint } from '../support/data-set.js'
import { answerLosingProxy } from '../support/interpose.js'
import { moveWhole } from '../support/move-whole.js'
import { startServers, type TestServers, testNode } from '../support/redis-servers.js'

const keys = Array.from({ length: 12 }, (_, index) => awkwardKey(index))
type Move = (pair: Pair, bigKeyBytes: number) => Promise<unknown>
const moves: Record<string, Move> = {
  'the fenced copy': (pair, bigKeyBytes) => moveBatch(pair, keys, { bigKeyBytes }),
  'MOVE of a live change': (pair, bigKeyBytes) => moveWhole(pair, keys, { bigKeyBytes }),
}

describe('a move whose answer is lost after the server has done its work', () => {
  let servers: TestServers
  let atSource: RespConnection
  let atTarget: RespConnection
  before(async () => {
    servers = await startServers(2)
    atSource = await servers.connect(0)
    atTarget = await servers.connect(1)
  })
  after(() => servers.stop())
  beforeEach(() => Promise.all([atSource.call('FLUSHALL'), atTarget.call('FLUSHALL')]))

  /** A pair whose `end` loses its answer number `cutAt`. */
  async function losing(end: keyof Pair, cutAt: number) {
    const index = end === 'source' ? 0 : 1
    const proxy = await answerLosingProxy(servers.servers[index]!.port, cutAt)
    const through = await openConnection({ node: testNode(end, proxy.port) })
    const other = await servers.connect(1 - index)
    const pair = end === 'source' ? { source: through, target: other } : { source: other, target: through }
    return {
      pair,
      close: async () => {
        through.close()
        other.close()
        await proxy.close()
      },
    }
  }

  async function moveTwice(move: Move, end: keyof Pair, cutAt: number) {
    const { pair, close } = await losing(end, cutAt)
    try {
      await assert.rejects(move(pair, 1_048_576), { exitCode: 4, message: /connection was closed/ })
    } finally {
      await close()
    }
    await move({ source: await servers.connect(0), target: await servers.connect(1) }, 1_048_576)
  }

  for (const [name, move] of Object.entries(moves)) {
    // source: sizes and copies, in one or two answers, removal; target: WATCH, RESTORE
    const ofSource = move === moves['the fenced copy'] ? [1, 2, 3] : [1, 2]
    const cuts = [
      ...ofSource.map((cutAt) => ['source', cutAt] as const),
      ...[1, 2].map((cutAt) => ['target', cutAt] as const),
    ]
    for (const [end, cutAt] of cuts) {
      it(`${name}, answer ${cutAt} of the ${end}: a second run ends with every key at the target, once`, async () => {
        for (const index of keys.keys()) await atSource.send(createCommands(index, systemClock.wallMs()))
        const original = await fingerprint(atSource)
        await moveTwice(move, end, cutAt)
        assert.equal(await atSource.call('DBSIZE'), 0)
        assert.deepEqual(await fingerprint(atTarget), original)
      })
    }

    for (const end of ['source', 'target'] as const) {
      it(`${name} of a big key: the same, whichever of the ${end}'s answers is lost`, async () => {
        let cutAt = 0
        for (let lost = true; lost; ) {
          cutAt += 1
          await Promise.all([atSource.call('FLUSHALL'), atTarget.call('FLUSHALL')])
          await atSource.call('SET', keys[0]!, 'x'.repeat(5_000), 'EX', 1_000)
          const original = await fingerprint(atSource)
          const { pair, close } = await losing(end, cutAt)
          lost = await move(pair, 1_024).then(
            () => false,
            (error: Error) => /connection was closed/.test(error.message) || Promise.reject(error),
          )
          await close()
          await move({ source: await servers.connect(0), target: await servers.connect(1) }, 1_024)
          assert.equal(await atSource.call('DBSIZE'), 0, `answer ${cutAt}`)
          assert.deepEqual(await fingerprint(atTarget), original, `answer ${cutAt}`)
          assert.equal(await atTarget.call('DBSIZE'), 1, `answer ${cutAt}`)
        }
        assert.ok(cutAt > 4, `only ${cutAt} answers`)
      })
    }
  }
})
