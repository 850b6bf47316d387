import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ControlStore } from '../../../src/cache/ports.js'
import { systemClock } from '../../../src/clock.js'
import { createFileStore } from '../../../src/control/file-store.js'
import { createRedisStore } from '../../../src/control/redis-store.js'
import { formatHotSet, hotSetNotice, noHotSet } from '../../../src/hotkeys/hot-set.js'
import {
  changeHotSet,
  clearHotSet,
  readHotSet,
  withLocal,
  withoutLocal,
  withoutSplit,
  withSplit,
} from '../../../src/operations/hotkeys/publish.js'
import { startServers, type TestServers } from '../../support/redis-servers.js'

const key = (name: string) => Buffer.from(name, 'latin1')
const hour = systemClock.wallMs() + 3_600_000
const local = (name: string, untilMs = hour) => ({ key: key(name), untilMs })

for (const kind of ['file', 'redis'] as const) {
  describe(`publishing the hot set in a ${kind} store`, () => {
    let servers: TestServers | undefined
    let directory: string
    let control: ControlStore
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
      if (kind === 'redis') servers = await startServers(1)
    })
    beforeEach(async () => {
      control = servers
        ? createRedisStore({ node: servers.servers[0]!.node }, 'test', systemClock)
        : createFileStore(directory, systemClock)
      await control.putNotice(hotSetNotice, undefined)
    })
    afterEach(() => control.close())
    after(async () => {
      await servers?.stop()
      await rm(directory, { recursive: true, force: true })
    })
    const board = (by = 'a') => ({ control, clock: systemClock, by })
    const names = async () => (await readHotSet({ control })).local.map((each) => each.key.toString('latin1'))

    it('each publication has a larger generation, and keys keep their bytes', async () => {
      assert.deepEqual(await readHotSet({ control }), noHotSet)
      const bytes = String.fromCharCode(0, 255, 10, 27)
      await changeHotSet(withLocal([local(bytes)]), board('somebody'))
      const set = await changeHotSet(withSplit({ key: key('s'), salts: [1, 4] }), board('somebody else'))
      assert.deepEqual([set.generation, set.by], [2, 'somebody else'])
      assert.deepEqual(set, await readHotSet({ control }))
      assert.deepEqual([await names(), set.split[0]?.salts], [[bytes], [1, 4]])
    })

    it('a change that is there already writes nothing, and a shorter time does not replace a longer one', async () => {
      await changeHotSet(withLocal([local('a')]), board())
      const again = await changeHotSet(withLocal([local('a', hour - 1_000)]), board())
      assert.deepEqual([again.generation, again.local[0]?.untilMs], [1, hour])
      const longer = await changeHotSet(withLocal([local('a', hour + 1_000)]), board())
      assert.deepEqual([longer.generation, longer.local[0]?.untilMs], [2, hour + 1_000])
    })

    it('what has had its time goes with the next publication', async () => {
      await changeHotSet(withLocal([local('a', systemClock.wallMs() + 150), local('b')]), board())
      await systemClock.sleep(200)
      await changeHotSet(withLocal([local('c')]), board())
      assert.deepEqual(await names(), ['b', 'c'])
    })

    it('keys are taken off one by one or all together; what is split stays', async () => {
      await changeHotSet(withLocal(['a', 'b', 'c'].map((name) => local(name))), board())
      await changeHotSet(withSplit({ key: key('a'), salts: [2] }), board())
      await changeHotSet(withoutLocal([key('b')]), board())
      assert.deepEqual(await names(), ['a', 'c'])
      const cleared = await clearHotSet(board())
      assert.deepEqual([cleared.local.length, cleared.split.length], [0, 1])
      assert.equal((await changeHotSet(withoutSplit(key('a')), board())).split.length, 0)
    })

    it('publishers at the same time lose nothing of each other', async () => {
      await Promise.all(['a', 'b', 'c'].map((name) => changeHotSet(withLocal([local(name)]), board(name))))
      assert.deepEqual((await names()).sort(), ['a', 'b', 'c'])
    })

    it('gives up where another publishes against it each time', async () => {
      const { replaceNotice } = control
      let generation = 9
      control.replaceNotice = async (name, expected, text) => {
        const other = { ...noHotSet, generation: generation++, by: 'the other' }
        await control.putNotice(name, formatHotSet(other))
        return replaceNotice(name, expected, text)
      }
      await assert.rejects(changeHotSet(withLocal([local('a')]), board()), {
        exitCode: 5,
        message: /others have published 5 times/,
      })
    })

    it('refuses what another version has written, and takes it away when asked to', async () => {
      await control.putNotice(hotSetNotice, '{"schema":"cachectl/hot-set/v2"}')
      await assert.rejects(changeHotSet(withLocal([local('a')]), board()), { exitCode: 5 })
      assert.equal((await clearHotSet(board())).local.length, 0)
      await changeHotSet(withLocal([local('a')]), board())
    })

    it('does not publish more keys than a set may have', async () => {
      const many = Array.from({ length: 1_001 }, (_, index) => local(`k${index}`))
      await assert.rejects(changeHotSet(withLocal(many), board()), { exitCode: 2, message: /at most 1000/ })
    })
  })
}
