import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { CachectlError, ExitCode } from '../../src/errors.js'
import { preflight } from '../../src/operations/hotkeys/preflight.js'
import { createNodeProbe } from '../../src/redis/hotkeys/node-probe.js'
import type { Command } from '../../src/redis/resp.js'
import { runCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

/** More than a hundredth of a second of the main thread. */
const work: Command = ['EVAL', "for i = 1, 2e4 do redis.sha1hex('') end return redis.call('GET', 'k')", 0]
/** Where the machine is busy with other things, a server's thread is no busier than it is let be, and nothing can be told. */
const mostLooks = 40

describe('hotkeys on a server without time', () => {
  let servers: TestServers
  before(async () => {
    servers = await startServers(1)
  })
  after(() => servers.stop())

  async function underLoad(body: () => Promise<void>): Promise<void> {
    const connection = await servers.connect(0)
    let isRunning = true
    // always one more is waiting than is worked on
    const busy = [0, 1].map(async () => {
      while (isRunning) await connection.send([work])
    })
    try {
      await body()
    } finally {
      isRunning = false
      await Promise.all(busy)
    }
  }

  it('refuses to sample, says why and what to do, and has no objection to --force', async function () {
    const { node } = servers.servers[0]!
    const probe = createNodeProbe([{ node }], systemClock)
    await underLoad(async () => {
      let facts = await probe.facts('n1')
      for (let look = 1; (facts.busyShare ?? 0) <= 0.9 && look < mostLooks; look++)
        facts = await probe.facts('n1')
      if ((facts.busyShare ?? 0) <= 0.9) this.skip()
      const checked = [{ node, facts }]
      assert.throws(
        () => preflight(checked, { force: false, neededRights: [] }),
        (error) =>
          error instanceof CachectlError &&
          error.exitCode === ExitCode.refused &&
          /^node n1 \(127\.0\.0\.1:\d+\): its main thread is (9\d|10\d) % busy, and/.test(error.message) &&
          /sample all the same with --force/.test(error.remedy ?? ''),
      )
      preflight(checked, { force: true, neededRights: [] })
    }).finally(() => probe.close())
  })

  it('is sampled with --force, though it answers late', async () => {
    const file = await servers.topologyFile()
    await underLoad(async () => {
      const { exitCode, stdout, stderr } = await runCli([
        'hotkeys',
        '-t',
        file,
        '--max-time',
        '500ms',
        '--force',
        '--json',
      ])
      assert.equal(exitCode, 0, stderr + stdout)
      assert.ok(JSON.parse(stdout).samples > 0)
    })
  })
})
