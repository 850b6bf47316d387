import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { systemClock } from '../../src/clock.js'
import { createCache, openRing } from '../../src/index.js'
import { runCli, startCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

interface ShownKey {
  readonly key: string
  readonly keyBase64: string
}

describe('publishing hot keys', () => {
  let servers: TestServers
  let file: string

  before(async () => {
    servers = await startServers(3)
    const control = `control: {url: "${servers.servers[2]!.url}"}\n`
    file = await servers.topologyFile({ count: 2, ring: control })
    const { exitCode, stderr } = await runCli(['ring', 'apply', '-t', file, '--yes'])
    assert.equal(exitCode, 0, stderr)
  })
  after(() => servers.stop())

  async function json(...args: string[]) {
    const { exitCode, stdout, stderr } = await runCli(['hotkeys', ...args, '-t', file, '--json'])
    assert.equal(exitCode, 0, stderr + stdout)
    return JSON.parse(stdout)
  }
  const keysOf = (report: { local: ShownKey[] }) => report.local.map(({ key }) => key)

  it('takes keys as arguments, from standard input and as base64; shows them escaped; takes them off', async () => {
    const control = servers.servers[2]!.url
    await json('publish', 'plain', 'other', '--ttl', '10m')
    const piped = await runCli(['hotkeys', 'publish', '-', '-t', file], { stdin: 'one\n\u001b[31mred\n' })
    assert.equal(piped.exitCode, 0, piped.stderr)
    assert.match(piped.stdout, /\\u\{1b\}\[31mred +1 h {2}by this command/)
    assert.ok(piped.stdout.includes(`control store ${control}`))
    const binary = await json('publish', '/wAK', '--base64')
    assert.equal(binary.generation, 3)
    assert.ok(binary.local.some(({ keyBase64 }: ShownKey) => keyBase64 === '/wAK'))
    const cleared = await json('publish', '--clear', 'plain', 'one')
    assert.deepEqual(keysOf(cleared), ['\\u{1b}[31mred', 'other', '\\xff\\0\\n'])
    assert.ok(cleared.local[1].secondsLeft <= 600)
    assert.deepEqual(keysOf(await json('publish', '--clear')), [])
    const shown = await json('published')
    assert.equal(shown.schema, 'cachectl/hot-set/v1')
    assert.match(shown.by, /^pid \d+ on /)
  })

  it('keys need the control store only, which says whether anybody can follow', async () => {
    const path = await servers.topologyFile({
      ...{ count: 1, name: 'away.yaml', urlOf: () => 'redis://127.0.0.1:1' },
    })
    const { exitCode, stdout, stderr } = await runCli(['hotkeys', 'publish', 'a', '-t', path])
    assert.equal(exitCode, 0, stderr)
    assert.match(stdout, /no process of the library can follow: the store holds no ring yet/)
  })

  /** A third of what the ring reads is one key of the library, a twentieth writes another. */
  async function underLoad<T>(body: () => Promise<T>): Promise<T> {
    const cache = createCache({
      ...{ ring: file, namespace: 'c', ttl: '10m' as const, l1: false as const },
      load: async (key: string) => ({ key }),
    })
    const ring = await openRing(file)
    let isOver = false
    const worker = async (start: number) => {
      for (let turn = start; !isOver; turn++) {
        await cache.get('read')
        await ring.call('GET', `cold:${turn % 5_000}`)
        if (turn % 4 === 0) await ring.call('SET', 'written', 'x')
      }
    }
    const workers = [0, 1_000, 2_000].map(worker)
    try {
      return await body()
    } finally {
      isOver = true
      await Promise.all(workers)
      await cache.close()
      await ring.close()
    }
  }

  it('samples where no key is given, and publishes what is hot beyond doubt and read', async () => {
    await underLoad(async () => {
      const report = await json('publish', '--max-time', '20s', '--threshold', '3%', '--ttl', '1m')
      assert.deepEqual(keysOf(report), ['c:read'])
      assert.equal(report.local[0].isChosen, true)
      const [written] = report.notPublished
      assert.deepEqual([written.key, written.reason], ['written', '100 % of its commands write'])
      await json('publish', '--clear')
    })
  })

  it('takes the keys of a saved report, and refuses what is none', async () => {
    const key = (name: string, more: object) => ({ keyBase64: Buffer.from(name).toString('base64'), ...more })
    const path = `${servers.directory}/report.json`
    const save = (keys: readonly object[]) =>
      writeFile(path, JSON.stringify({ schema: 'cachectl/hotkeys/v2', keys }))
    await save([
      key('l1', { suggestion: { action: 'l1', reason: '' } }),
      key('split', { suggestion: { action: 'split', reason: 'too hot for one node' } }),
      key('perhaps', { certainty: 'possible', commands: { get: 1 } }),
      key('read', { certainty: 'certain', commands: { get: 1 } }),
    ])
    const report = await json('publish', '--from', path)
    assert.deepEqual(keysOf(report), ['l1', 'read'])
    assert.deepEqual(
      report.notPublished.map(({ key, reason }: ShownKey & { reason: string }) => `${key}: ${reason}`),
      ['split: suggested: split too hot for one node', 'perhaps: not certain to be hot'],
    )
    await save([{ key: 'redacted' }])
    for (const from of [path, file, 'nowhere.json']) {
      const { exitCode, stderr } = await runCli(['hotkeys', 'publish', '--from', from, '-t', file])
      assert.equal(exitCode, 2, stderr)
      assert.match(stderr, /hotkeys --json > report.json/)
    }
    await json('publish', '--clear')
  })

  it('--auto publishes what is hot, takes it off on Ctrl-C, and what it leaves when it is killed ends by itself', async () => {
    await underLoad(async () => {
      for (const signal of ['SIGINT', 'SIGKILL'] as const) {
        const { child, result } = startCli([
          'hotkeys',
          '--auto',
          '-t',
          file,
          '--threshold',
          '3%',
          '--window',
          '1s',
          '--json',
        ])
        let lines = ''
        child.stdout!.on('data', (chunk: Buffer) => {
          lines += chunk.toString()
        })
        while (!lines.includes('\n')) await systemClock.sleep(20)
        const { change, key, schema, share } = JSON.parse(lines.slice(0, lines.indexOf('\n')))
        assert.deepEqual([schema, change, key], ['cachectl/hot-set-change/v1', 'entered', 'c:read'])
        assert.ok(share > 0.03)
        child.kill(signal)
        const { exitCode, stdout } = await result
        const after = await json('published')
        if (signal === 'SIGINT') {
          assert.equal(exitCode, 130)
          assert.match(stdout, /"change":"withdrawn","key":"c:read"/)
          assert.deepEqual(keysOf(after), [])
        } else {
          assert.deepEqual(keysOf(after), ['c:read'])
          assert.ok(after.local[0].secondsLeft <= 60)
        }
      }
    })
    for (const index of servers.servers.keys()) {
      const clients = String(await (await servers.connect(index)).call('CLIENT', 'LIST'))
      assert.doesNotMatch(clients, /cmd=monitor/)
    }
  })
})
