import assert from 'node:assert/strict'
import type { CommandShape } from '../../src/hotkeys/key-positions.js'
import { redis7Commands } from '../../src/hotkeys/redis7-commands.js'
import { commandEntries } from '../../src/redis/command-entries.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('the stored table of commands', () => {
  let servers: TestServers
  before(async () => {
    servers = await startServers(1)
  })
  after(() => servers.stop())

  /** Name → specifications, of commands with keys and of parts of containers. */
  function specsOf(shapes: readonly CommandShape[]): Map<string, unknown> {
    const all = shapes.flatMap((shape) => [shape, ...(shape.parts ?? [])])
    return new Map(
      all
        .filter(({ name, keySpecs }) => name.includes('|') || (keySpecs && keySpecs.length > 0))
        .map(({ name, keySpecs }): [string, unknown] => [name, keySpecs ?? []])
        .sort(),
    )
  }

  it('is what Redis 7.0 says', async function () {
    const connection = await servers.connect(0)
    const info = String(await connection.call('INFO', 'server'))
    if (!/^redis_version:7\.0\./m.test(info) || /^server_name:valkey/m.test(info)) {
      console.log('      skipped: the server is no Redis 7.0')
      return this.skip()
    }
    const shapes = commandEntries(await connection.call('COMMAND')).map(({ shape }) => shape)
    assert.deepEqual(specsOf(redis7Commands()), specsOf(shapes))
  })
})
