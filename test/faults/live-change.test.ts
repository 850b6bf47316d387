import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { systemClock } from '../../src/clock.js'
import { loadTopology } from '../../src/files/topology-file.js'
import { openControl } from '../../src/open-control.js'
import { freshSeed } from '../../src/random.js'
import { RingClient } from '../../src/redis/ring-client.js'
import { buildRing } from '../../src/ring/build-ring.js'
import { runCli, startCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'
import { judge, startWorkload, type Workload } from '../support/ring-workload.js'

const seed = Number(process.env.SEED ?? freshSeed())
const fixedKeys = 20_000

describe(`a live change under readers, writers and deleters (SEED=${seed})`, () => {
  let servers: TestServers
  let file: string
  let workload: Workload
  let client: RingClient

  beforeEach(async () => {
    servers = await startServers(4)
    file = await servers.topologyFile({ count: 3 })
    const { topology } = await loadTopology(file)
    const ring = buildRing(topology)
    const connections = await Promise.all([0, 1, 2].map((index) => servers.connect(index)))
    await Promise.all(
      Array.from({ length: fixedKeys }, (_, index) => {
        const key = `fixed:${index}`
        return connections[ring.ownerIndex(Buffer.from(key))]!.call('SET', key, key)
      }),
    )
    await start()
  })
  afterEach(async () => {
    for (const child of workload.processes) child.kill('SIGKILL')
    await client.close()
    await servers.stop()
  })

  /** Processes of clients, on the control store that the file names now. */
  async function start(): Promise<void> {
    await succeeds(['ring', 'apply', '-t', file, '--yes'])
    client = await RingClient.open({
      control: await openControl(await loadTopology(file)),
      readAccess: async (nodes) => nodes.map((node) => ({ node })),
      clock: systemClock,
      origin: 'the judge',
    })
    const job = {
      topologyFile: file,
      seed,
      loops: 4,
      opsPerSec: 500,
      registers: 120,
      counters: 20,
      lists: 20,
      fixedKeys,
    }
    workload = await startWorkload(3, job)
  }

  const add = () => ['ring', 'add', `n4=${servers.servers[3]!.url}`, '-t', file, '--yes']

  async function succeeds(args: readonly string[]): Promise<void> {
    const { exitCode, stdout, stderr } = await runCli(args)
    assert.equal(exitCode, 0, stdout + stderr)
  }

  /** The verdict, and the ring itself. */
  async function assertKept(): Promise<void> {
    const reports = await workload.stop()
    const { operations, fixedReads } = await judge(reports, client)
    assert.ok(operations > 500 && fixedReads > 100)
    await succeeds(['ring', 'check', '-t', file])
  }

  it('fault-31: add, rebalance, remove under readers: no miss, nothing lost, nothing stale, nothing comes back', async () => {
    await succeeds(add())
    await succeeds(['ring', 'rebalance', 'n1=3', '-t', file, '--yes'])
    await succeeds(['ring', 'remove', 'n2', '-t', file, '--yes'])
    await assertKept()
  })

  for (const [row, step] of [
    ['fault-02', 'begin'],
    ['fault-02', 'arm'],
    ['fault-02', 'prepare'],
    ['fault-02', 'flip'],
    ['fault-02', 'migrate'],
    ['fault-05', 'drain'],
    ['fault-06', 'commit'],
    ['fault-09', 'end'],
  ] as const) {
    it(`${row}: an operator killed at ${step}: another resumes`, async () => {
      const killed = await runCli(add(), { env: { CACHECTL_FAILPOINT: `${step}:kill` } })
      assert.equal(killed.signal, 'SIGKILL')
      const status = JSON.parse((await runCli(['ring', 'status', '-t', file, '--json'])).stdout)
      assert.equal(status.journal.at(-1).step, step)
      if (status.phase !== 'stable') await succeeds(['ring', 'resume', '-t', file, '--yes'])
      // nothing was published yet: the command is given again
      else if (!(await readFile(file, 'utf8')).includes('n4')) await succeeds(add())
      await assertKept()
    })
  }

  it('fault-05: an operator killed in the middle of the keys, again and again', async () => {
    const newcomer = await servers.connect(3)
    for (const wanted of [100, 1_000, 2_500]) {
      const { child, result } = startCli([...add(), '--connections', '1'])
      while (Number(await newcomer.call('DBSIZE')) < wanted) await systemClock.sleep(1)
      child.kill('SIGKILL')
      assert.equal((await result).signal, 'SIGKILL')
    }
    await succeeds(add())
    await assertKept()
  })

  it('fault-02: taken back before its keys move, and made again', async () => {
    for (const step of ['prepare', 'flip', 'migrate']) {
      await runCli(add(), { env: { CACHECTL_FAILPOINT: `${step}:kill` } })
      const { exitCode, stderr } = await runCli(['ring', 'abort', '-t', file])
      assert.equal(exitCode, step === 'prepare' ? 5 : 0, stderr)
      const left = await (await servers.connect(3)).call('DBSIZE')
      assert.equal(left, step === 'prepare' ? 1 : 0) // the token of an operator that had begun
    }
    await succeeds(add())
    await assertKept()
  })

  it('fault-13, fault-30: both nodes stand still for ten seconds, and a client through the whole change', async () => {
    const newcomer = await servers.connect(3)
    const run = startCli([...add(), '--max-keys-per-sec', '3000'])
    const [frozen] = workload.processes
    process.kill(frozen!.pid!, 'SIGSTOP')
    while (Number(await newcomer.call('DBSIZE')) < 500) await systemClock.sleep(2)
    // a source, and a moment later the target
    process.kill(servers.servers[0]!.pid, 'SIGSTOP')
    await systemClock.sleep(500)
    process.kill(servers.servers[3]!.pid, 'SIGSTOP')
    await systemClock.sleep(9_500)
    process.kill(servers.servers[0]!.pid, 'SIGCONT')
    await systemClock.sleep(500)
    process.kill(servers.servers[3]!.pid, 'SIGCONT')
    const { exitCode, stdout, stderr } = await run.result
    assert.equal(exitCode, 0, stdout + stderr)
    // it held the old epoch and half-sent commands of it all that time
    process.kill(frozen!.pid!, 'SIGCONT')
    await assertKept()
  })

  it('fault-26: two operators at once: the second is told who is at work, and changes nothing', async () => {
    const first = startCli(add(), { env: { CACHECTL_FAILPOINT: 'drain:stall' } })
    while (
      JSON.parse((await runCli(['ring', 'status', '-t', file, '--json'])).stdout).journal.at(-1)?.step !==
      'drain'
    );
    for (const args of [add(), ['ring', 'resume', '-t', file, '--yes']]) {
      const { exitCode, stderr } = await runCli(args)
      assert.equal(exitCode, 5)
      assert.match(stderr, new RegExp(`being changed by pid ${first.child.pid} on `))
    }
    const other = await runCli(['ring', 'rebalance', 'n1=2', '-t', file, '--yes'])
    assert.equal(other.exitCode, 5)
    assert.match(other.stderr, /another change of the ring is unfinished/)
    first.child.kill('SIGKILL')
    await first.result
    await succeeds(['ring', 'resume', '-t', file, '--yes'])
    await assertKept()
  })

  it('fault-27: an operator that was frozen wakes up after another has finished: it can do no harm, and says why it stops', async () => {
    const text = await readFile(file, 'utf8')
    const control = await startServers(1)
    try {
      await writeFile(file, text.replace('nodes:', `control:\n  url: ${control.servers[0]!.url}\nnodes:`))
      await judge(await workload.stop(), client)
      for (const [kind, count] of [
        ['register', 120],
        ['counter', 20],
        ['list', 20],
      ] as const) {
        await client.call('DEL', ...Array.from({ length: count }, (_, index) => `${kind}:${index}`))
      }
      await client.close()
      await start()
      const first = startCli([...add(), '--connections', '1'])
      const newcomer = await servers.connect(3)
      while (Number(await newcomer.call('DBSIZE')) < 200) await systemClock.sleep(1)
      process.kill(first.child.pid!, 'SIGSTOP')
      let second = await runCli(['ring', 'resume', '-t', file, '--yes'])
      while (second.exitCode === 5 && /being changed by/.test(second.stderr)) {
        await systemClock.sleep(200)
        second = await runCli(['ring', 'resume', '-t', file, '--yes'])
      }
      assert.equal(second.exitCode, 0, second.stderr)
      process.kill(first.child.pid!, 'SIGCONT')
      const { exitCode, stderr } = await first.result
      assert.ok(exitCode === 5 || exitCode === 4, stderr)
      assert.match(stderr, /FENCED|lease on this change was lost|connection was closed/)
      await assertKept()
    } finally {
      await control.stop()
    }
  })
})
