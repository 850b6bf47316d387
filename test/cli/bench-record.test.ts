import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { readTrace } from '../../src/files/trace-file.js'
import { traceOperations } from '../../src/workload/request-source.js'
import { runCli, startCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('bench record on real servers', () => {
  let servers: TestServers
  let file: string
  before(async () => {
    servers = await startServers(2)
    file = await servers.topologyFile()
  })
  after(() => servers.stop())

  const record = (out: string, ...args: string[]) => ['bench', 'record', '-t', file, '--out', out, ...args]

  async function monitors(): Promise<number> {
    let count = 0
    for (const index of servers.servers.keys()) {
      const list = String(await (await servers.connect(index)).call('CLIENT', 'LIST'))
      count += list.split('\n').filter((line) => line.includes('cmd=monitor')).length
    }
    return count
  }

  /** `body` begins when the recording has; `end` is sent after it. */
  async function during(args: string[], body: () => Promise<void>, end?: NodeJS.Signals) {
    const { child, result } = startCli(args)
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (text: Buffer) => text.includes('recording;') && resolve())
      child.once('close', () => resolve())
    })
    assert.equal(child.exitCode, null, 'it has ended before it began')
    await body()
    if (end) child.kill(end)
    return result
  }

  /** `op key bytes ttl`, in order. */
  async function rowsOf(path: string): Promise<string[]> {
    const { requests, names, ends } = await readTrace(path)
    const keyOf = (index: number) =>
      Buffer.from(names.subarray(ends[index - 1] ?? 0, ends[index]!)).toString('latin1')
    return Array.from(requests.keys, (key, at) =>
      [
        traceOperations[requests.ops[at]!]!.name,
        keyOf(key),
        requests.valueBytes[at],
        requests.ttlSeconds[at],
      ].join(' '),
    )
  }

  it('writes what a client does, in order and without values, and leaves no monitor', async () => {
    const out = join(servers.directory, 'live.csv.gz')
    const binary = Buffer.from([0, 0xff, 0x22, 0x2c, 0x5c, 0x09, 0x20])
    const result = await during(
      record(out, '--yes', '--max-requests', '10', '--duration', '30s'),
      async () => {
        const [first, second] = [await servers.connect(0), await servers.connect(1)]
        await first.call('AUTH', 'default', 'topsecret').catch(() => undefined)
        await first.call('SET', 'k,1', 'topsecret', 'EX', '60')
        await second.call('GET', 'k2')
        await first.call('MSET', binary, '1', 'm2', '22')
        await second.call('SET', 'two\nlines', 'topsecret')
        await second.call('DEL', 'k2', 'k3')
        await first.call('EVAL', "return redis.call('GET', KEYS[1])", '1', 'by-script')
        await second.call('HSET', 'h', 'f', 'x'.repeat(300_000))
        for (let count = 0; count < 4; count++) await first.call('INCR', 'n')
      },
    )
    assert.equal(result.exitCode, 0, result.stderr)
    assert.deepEqual(await rowsOf(out), [
      'set k,1 9 60',
      'get k2 0 0',
      `set ${binary.toString('latin1')} 1 0`,
      'set m2 2 0',
      'del k2 0 0',
      'del k3 0 0',
      'get by-script 0 0',
      'set h 300001 0',
      'set n 8 0',
      'set n 8 0',
    ])
    assert.match(result.stdout, /^10 requests in .+: set 4, get 2, delete 2, incr 2\n/)
    assert.match(result.stdout, /^1 requests left out: a line cannot hold their keys/m)
    assert.doesNotMatch(
      gunzipSync(await readFile(out)).toString() + result.stdout + result.stderr,
      /topsecret/,
    )
    assert.equal((await stat(out)).mode & 0o077, 0, 'for its owner only')
    assert.equal(await monitors(), 0)
  })

  it('Ctrl-C keeps what was recorded as whole gzip data, exits 130; hashed keys are the same where keys are', async () => {
    const out = join(servers.directory, 'hashed.csv.gz')
    const result = await during(
      record(out, '--yes', '--hash-keys', '--duration', '30s'),
      async () => {
        const connection = await servers.connect(0)
        // the last ones may still be on their way to the recording when it is interrupted
        for (let round = 0; round < 100; round++) {
          for (const key of ['secret:1', 'secret:2', 'secret:1', 'a\nb']) await connection.call('GET', key)
        }
      },
      'SIGINT',
    )
    assert.equal(result.exitCode, 130, result.stderr)
    assert.match(result.stdout, /^\d+ requests in .+\n.*n1: \d+ commands; monitoring took about/)
    assert.match(result.stdout, /Interrupted\. What was recorded until then is kept/)
    const [one, two, again, lines] = await rowsOf(out)
    assert.match(one ?? '', /^get [0-9a-f]{20} 0 0$/)
    assert.equal(one, again)
    assert.equal(new Set([one, two, lines]).size, 3)
    assert.equal(await monitors(), 0)
  })

  it('asks first: without a terminal or --yes nothing is opened, and an old file survives', async () => {
    const out = join(servers.directory, 'none.csv')
    const result = await runCli(record(out))
    assert.equal(result.exitCode, 5)
    assert.match(result.stderr, /n1: [\d,]+ commands\/s, about [\d.]+ % of its time/)
    assert.match(result.stderr, /not confirmed: there is no terminal to ask on/)
    assert.ok(!existsSync(out))
  })

  it('ends by itself above its rate, exits 6 and says so', async () => {
    const out = join(servers.directory, 'rate.csv')
    const result = await during(record(out, '--yes', '--max-rate', '1000', '--duration', '30s'), async () => {
      const connection = await servers.connect(1)
      await connection.send(Array.from({ length: 1_001 }, (): [string, string] => ['GET', 'k']))
    })
    assert.equal(result.exitCode, 6, result.stderr)
    assert.match(result.stdout, /Ended early: node n2 executed more than 1000 commands within a second/)
    assert.equal(new Set(await rowsOf(out)).size, 1)
    assert.equal(await monitors(), 0)
  })

  it('needs the rights that its help lists, and names the one that is missing', async () => {
    const connection = await servers.connect(0)
    await connection.call('ACL', 'SETUSER', 'rec', 'on', '>pw', '+monitor', '+info', '+command', '+time')
    await connection.call('ACL', 'SETUSER', 'blind', 'on', '>pw', '+info', '+command', '+time')
    const as = async (user: string) => {
      const topology = await servers.topologyFile({
        count: 1,
        name: `${user}.yaml`,
        urlOf: ({ url }) => `${url}\n    username: ${user}\n    passwordEnv: REC_PW`,
      })
      const out = join(servers.directory, `${user}.csv`)
      const args = ['-t', topology, '--out', out, '--yes', '--duration', '100ms', '--json']
      return runCli(['bench', 'record', ...args], { env: { REC_PW: 'pw' } })
    }
    const [may, mayNot] = await Promise.all([as('rec'), as('blind')])
    assert.equal(may.exitCode, 0, may.stderr)
    const { schema, endedBy, requestCount } = JSON.parse(may.stdout)
    assert.deepEqual([schema, endedBy, requestCount], ['cachectl/recording/v1', 'duration', 0])
    assert.equal(mayNot.exitCode, 5)
    assert.match(mayNot.stdout, /NOPERM.*monitor/)
  })
})
