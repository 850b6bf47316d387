import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { copyLifeMs, encodeCopy } from '../../src/cache/copy-body.js'
import { freshToken } from '../../src/cache/token.js'
import { systemClock } from '../../src/clock.js'
import { loadTopology, type TopologyFile } from '../../src/files/topology-file.js'
import { copyName } from '../../src/hotkeys/hot-set.js'
import { createCache } from '../../src/index.js'
import { openPresentRing } from '../../src/open-cache.js'
import { openControl } from '../../src/open-control.js'
import { readHotSet } from '../../src/operations/hotkeys/publish.js'
import { committedState, migrateState, prepareState } from '../../src/ring/epoch.js'
import { runCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const rights = [
  ...[
    '+hello',
    '+auth',
    '+ping',
    '+client',
    '+info',
    '+pttl',
    '+get',
    '+set',
    '+getrange',
    '+eval',
    '+evalsha',
  ],
  ...['+time', '+dbsize', '+scan', '+monitor', '+command', '+unlink'],
]

describe('splitting a hot key', () => {
  let servers: TestServers
  let path: string
  let file: TopologyFile

  before(async () => {
    servers = await startServers(3)
    path = await servers.topologyFile()
    file = await loadTopology(path)
    const cache = createCache({
      ...{ ring: path, namespace: 'c', l1: false as const, timeout: { l2: '5s' as const } },
      ttl: '10m',
      load: async (key: string) => ({ key, bytes: key === 'big' ? 'x'.repeat(70_000) : '' }),
    })
    const { exitCode, stderr } = await runCli(['ring', 'apply', '-t', path, '--yes'])
    assert.equal(exitCode, 0, stderr)
    for (const key of ['hot', 'big', 'short', '\u001b{x}']) await cache.get(key)
    await cache.close()
  })
  after(() => servers.stop())

  async function call(key: string, ...command: [string, ...(string | number)[]]) {
    const ring = await openPresentRing(file)
    const index = file.topology.nodes.findIndex(({ id }) => id === ring.ownerOf(Buffer.from(key)))
    await ring.close()
    const [name, ...args] = command
    return (await servers.connect(index)).call(name, ...args)
  }
  const split = (key: string, ...more: string[]) =>
    runCli(['hotkeys', 'split', key, '-t', path, '--json', ...more])
  const unsplit = (key: string, ...more: string[]) =>
    runCli(['hotkeys', 'unsplit', key, '-t', path, '--json', ...more])

  it('needs the rights that its help lists; its copies are like the original on the nodes that the ring says', async () => {
    for (const index of servers.servers.keys()) {
      const keys = ['~c:*', '~__cachectl:copy:*', '~__cachectl:born']
      await (await servers.connect(index)).call(
        'ACL',
        'SETUSER',
        'u',
        'reset',
        'on',
        '>pw',
        ...keys,
        ...rights,
      )
    }
    const nodes = servers.servers.map(
      ({ id, url }) => `  - {id: ${id}, url: "${url}", username: u, passwordEnv: TEST_PASSWORD}\n`,
    )
    const limited = `${servers.directory}/limited.yaml`
    await writeFile(limited, `name: test\nnodes:\n${nodes.join('')}`)
    const env = { TEST_PASSWORD: 'pw' }
    const { exitCode, stdout, stderr } = await runCli(
      ['hotkeys', 'split', 'c:hot', '-t', limited, '--json'],
      { env },
    )
    assert.equal(exitCode, 0, stderr + stdout)
    const report = JSON.parse(stdout)
    assert.equal(report.schema, 'cachectl/hot-split/v1')
    const holders = [report.owner, ...report.copies.map(({ node }: { node: string }) => node)]
    assert.deepEqual(holders.sort(), ['n1', 'n2', 'n3'])
    for (const { salt, node, leftMs, isOurs } of report.copies) {
      assert.ok(isOurs && leftMs > 0 && leftMs <= copyLifeMs)
      const index = servers.servers.findIndex(({ id }) => id === node)
      const name = copyName(Buffer.from('c:hot'), salt, undefined)
      while (Number(await (await servers.connect(index)).call('EXISTS', name)) > 0)
        await systemClock.sleep(20)
    }
    const back = await runCli(['hotkeys', 'unsplit', 'c:hot', '-t', limited, '--json'], { env })
    assert.equal(back.exitCode, 0, back.stderr + back.stdout)
  })

  it('refuses what there is no use in splitting, and publishes nothing then', async () => {
    await call('foreign', 'SET', 'foreign', 'x')
    await call('list', 'RPUSH', 'list', 'x')
    const reasons: [string, RegExp][] = [
      ['c:none', /there is no such key/],
      ['foreign', /no value of the cache library/],
      ['list', /it is no string/],
      ['c:big', /its value has 70\d\d\d bytes/],
    ]
    await Promise.all(
      reasons.map(async ([key, reason]) => {
        const { exitCode, stdout } = await split(key)
        assert.equal(exitCode, 5, stdout)
        assert.match(stdout, reason)
      }),
    )
    assert.equal((await split('c:hot', '--copies', '3')).exitCode, 2)
    const control = await openControl(file)
    assert.equal((await readHotSet({ control })).split.length, 0)
    await control.close()
  })

  it('refuses a key that is written much, unless it is forced', async () => {
    const cache = createCache<object>({
      ring: path,
      namespace: 'c',
      ttl: '10m',
      l1: false,
      timeout: { l2: '5s' },
    })
    let isOver = false
    const worker = async () => {
      for (let turn = 0; !isOver; turn++) {
        if (turn % 3 === 0) await cache.set('short', { turn })
        else await cache.get('short')
      }
    }
    const working = worker()
    const refusal = await split('c:short').finally(async () => {
      isOver = true
      await working.finally(() => cache.close())
    })
    assert.equal(refusal.exitCode, 5, refusal.stdout)
    assert.match(refusal.stdout, /\d\d % of its commands write/)
  })

  it('a copy does not outlive its original, and binary keys are split too', async () => {
    const key = 'c:\u001b{x}'
    await call(key, 'PEXPIRE', key, 60_000)
    const base64 = Buffer.from(key).toString('base64')
    const { exitCode, stdout } = await split(base64, '--base64', '--copies', '1')
    assert.equal(exitCode, 0, stdout)
    assert.equal(JSON.parse(stdout).copies.length, 1)
    const shown = await runCli(['hotkeys', 'published', '-t', path])
    assert.match(shown.stdout, /c:\\u\{1b\}\{x\}/)
    assert.equal((await unsplit(base64, '--base64')).exitCode, 0)
  })

  it('is refused while the ring is being changed', async () => {
    const control = await openControl(file)
    const stable = (await control.load())!
    const preparing = prepareState(stable.state, { ...file.topology, nodes: file.topology.nodes.slice(0, 2) })
    const changing = await control.compareAndSwap(stable, preparing)
    const { exitCode, stdout } = await split('c:hot')
    await control.compareAndSwap(
      changing,
      committedState({ ...migrateState(preparing), after: file.topology }),
    )
    await control.close()
    assert.equal(exitCode, 5, stdout)
    assert.match(stdout, /the ring is being changed/)
  })

  it('unsplit removes what a process still makes that has not heard of it yet', async () => {
    assert.equal((await split('c:hot')).exitCode, 0)
    const control = await openControl(file)
    const [there] = (await readHotSet({ control })).split
    assert.ok(there)
    const l2 = await openPresentRing(file)
    const names = there.salts.map((salt) => copyName(there.key, salt, undefined))
    let made = 0
    const reader = (async () => {
      // as a process does that reads the board every 500 ms, and has just read it
      for (
        let untilMs = Number.POSITIVE_INFINITY;
        systemClock.nowMs() < untilMs;
        await systemClock.sleep(10)
      ) {
        const isOver = (await readHotSet({ control })).split.length === 0
        if (isOver && untilMs === Number.POSITIVE_INFINITY) untilMs = systemClock.nowMs() + 700
        for (const name of names) {
          const token = freshToken()
          const [found] = await l2.getOrLease([name], { token, leaseMs: copyLifeMs })
          if (found?.kind !== 'leased') continue
          const [original] = await l2.getOrLease([there.key], { token: freshToken(), leaseMs: 0 })
          if (original?.kind !== 'value') continue
          if ((await l2.fill(name, { token, ...encodeCopy(original.value) })).isFilled) made += 1
        }
      }
    })()
    const { exitCode, stdout } = await unsplit('c:hot')
    await reader
    const founds = await l2.getOrLease([names[0]!], { token: freshToken(), leaseMs: 0 })
    await l2.close()
    await control.close()
    assert.deepEqual(founds, [{ kind: 'absent' }])
    assert.equal(exitCode, 0, stdout)
    const { copies, waitedMs } = JSON.parse(stdout)
    assert.ok(made > 0 && copies.every(({ removed }: { removed: number }) => removed > 0), stdout)
    assert.ok(waitedMs >= 1_500)
    const again = await unsplit('c:hot')
    assert.equal(again.exitCode, 5)
    assert.match(again.stdout, /is not split/)
  })
})
