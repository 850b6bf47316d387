/** A reader that goes away (`| head`) ends the command quietly, and with nothing left behind. */
import assert from 'node:assert/strict'
import { startCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('a reader that goes away', () => {
  let servers: TestServers
  let file: string

  before(async () => {
    servers = await startServers(1)
    file = await servers.topologyFile()
  })
  after(() => servers.stop())

  async function endsQuietly(args: readonly string[], stdin = ''): Promise<void> {
    const { child, result } = startCli([...args, '-t', file], { stdin })
    child.stdout?.destroy()
    const { exitCode, stderr } = await result
    assert.equal(exitCode, 0, stderr)
    assert.doesNotMatch(stderr, /EPIPE|Error|cachectl:/)
  }

  it('bench', async () => {
    await endsQuietly(['bench', '--keys', '100', '-n', '5000', '--warmup', '0s'])
    assert.equal(await (await servers.connect(0)).call('DBSIZE'), 0)
  })

  it('ring locate with far more keys than a pipe holds', async () => {
    await endsQuietly(
      ['ring', 'locate'],
      Array.from({ length: 100_000 }, (_, index) => `key:${index}\n`).join(''),
    )
  })

  it('ring show', () => endsQuietly(['ring', 'show']))
})
