import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openConnection } from '../../src/redis/resp-connection.js'
import { type CliResult, runCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const password = 'canary-of-the-default-user'
const appPassword = 'canary-of-app'
const wrong = 'canary-that-is-wrong'

describe('passwords in a change', () => {
  let servers: TestServers
  let file: string
  before(async () => {
    const user = ['--user', 'app', 'on', `>${appPassword}`, '~*', '&*', '+@all']
    servers = await startServers(3, { args: ['--requirepass', password, ...user] })
    file = join(servers.directory, 'cachectl.yaml')
    await declare()
  })
  after(() => servers.stop())

  /** n1 and n2, the second as the user `app`. */
  async function declare(): Promise<void> {
    const [first, second] = servers.servers
    await writeFile(
      file,
      [
        'name: test\nnodes:',
        `  - {id: n1, url: '${first!.url}', passwordEnv: TEST_PASSWORD}`,
        `  - {id: n2, url: '${second!.url}', username: app, passwordEnv: TEST_APP_PASSWORD}\n`,
      ].join('\n'),
    )
  }

  const right = { TEST_PASSWORD: password, TEST_APP_PASSWORD: appPassword }
  const add = (...flags: string[]) => [
    ...['ring', 'add', `n3=${servers.servers[2]!.url}`, '-t', file, '--yes', ...flags],
  ]

  async function run(args: readonly string[], env: Record<string, string>): Promise<CliResult> {
    const result = await runCli(args, { env: { DEBUG: '*', ...env } })
    for (const secret of [password, appPassword, wrong]) {
      const line = `${result.stdout}${result.stderr}`.split('\n').find((each) => each.includes(secret))
      assert.equal(line, undefined)
    }
    return result
  }

  for (const [what, env, flags, message] of [
    [
      'a wrong one',
      { ...right, TEST_PASSWORD: wrong },
      ['--password-env', 'TEST_PASSWORD'],
      /node n1 .*WRONGPASS/,
    ],
    [
      'a user’s wrong one',
      { ...right, TEST_APP_PASSWORD: wrong },
      ['--password-env', 'TEST_PASSWORD'],
      /node n2 .*WRONGPASS[\s\S]*user app/,
    ],
    ['none', right, [], /node n3 .*NOAUTH[\s\S]*passwordEnv or passwordFile .*the default user/],
    [
      'an unknown user',
      right,
      ['--password-env', 'TEST_PASSWORD', '--username', 'nobody'],
      /node n3 .*WRONGPASS[\s\S]*user nobody/,
    ],
  ] as const) {
    it(`fault-38: ${what}: exit 4 names node and user, never the password`, async () => {
      const { exitCode, stderr } = await run(add(...flags), env)
      assert.equal(exitCode, 4, stderr)
      assert.match(stderr, message)
    })
  }

  it('fault-38: the right ones are nowhere in output, journal, state or the names of connections', async () => {
    for (const args of [
      ['ring', 'apply', '-t', file, '--yes'],
      add('--password-env', 'TEST_PASSWORD'),
      ['ring', 'status', '-t', file],
    ]) {
      const { exitCode, stdout, stderr } = await run(args, right)
      assert.equal(exitCode, 0, stdout + stderr)
    }
    for (const name of await readdir(servers.directory, { recursive: true, withFileTypes: true })) {
      if (!name.isFile()) continue
      const text = await readFile(join(name.parentPath, name.name), 'latin1')
      for (const secret of [password, appPassword]) assert.ok(!text.includes(secret), name.name)
    }
    const look = await openConnection({ node: servers.servers[0]!.node, password })
    const seen = `${await look.call('CLIENT', 'LIST')} ${JSON.stringify(await look.call('SLOWLOG', 'GET'))}`
    look.close()
    assert.ok(!seen.includes(password))
  })
})
