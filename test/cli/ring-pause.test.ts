import assert from 'node:assert/strict'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { readJournal } from '../../src/files/journal.js'
import { parseTopology } from '../../src/files/topology-file.js'
import { journalPath } from '../../src/open-control.js'
import { openRing } from '../../src/open-ring.js'
import type { RingStatus } from '../../src/operations/ring-status.js'
import type { RingClient } from '../../src/redis/ring-client.js'
import { buildRing } from '../../src/ring/build-ring.js'
import { runCli, startCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const keyCount = 8_000

describe('ring pause, and a change that stands still', () => {
  let servers: TestServers
  let file: string
  let client: RingClient | undefined

  before(async () => {
    servers = await startServers(4)
    file = await servers.topologyFile({ count: 3 })
    const ring = buildRing(parseTopology(await readFile(file, 'utf8'), file))
    const connections = await Promise.all([0, 1, 2].map((index) => servers.connect(index)))
    for (let index = 0; index < keyCount; index++)
      connections[ring.ownerIndex(Buffer.from(`k:${index}`))]!.send([['SET', `k:${index}`, index]])
    await Promise.all(connections.map((connection) => connection.call('PING')))
  })
  after(async () => {
    await client?.close()
    await servers.stop()
  })

  const status = async (): Promise<RingStatus> => {
    const { stdout, stderr, exitCode } = await runCli(['ring', 'status', '-t', file, '--json'])
    assert.equal(exitCode, 0, stderr)
    return JSON.parse(stdout)
  }
  const add = () => ['ring', 'add', `n4=${servers.servers[3]!.url}`, '-t', file, '--yes']

  it('is refused when no change is under way', async () => {
    const { exitCode, stderr } = await runCli(['ring', 'pause', '-t', file])
    assert.equal(exitCode, 5, stderr)
    assert.match(stderr, /no change of the ring is under way/)
  })

  it('stops an operator in mid-drain; status tells so, a client works on, resume finishes', async () => {
    const apply = await runCli(['ring', 'apply', '-t', file, '--yes'])
    assert.equal(apply.exitCode, 0, apply.stderr)
    client = await openRing(file)
    const operator = startCli([...add(), '--max-keys-per-sec', '300'])
    let moving = await status()
    while (!moving.progress || moving.progress.movedKeyCount === 0) moving = await status()
    assert.equal(moving.phase, 'migrate')
    assert.match(moving.operator ?? '', new RegExp(`^pid ${operator.child.pid} on `))
    assert.equal(moving.pause, null)
    assert.ok(moving.progress.expectedKeyCount > 1_500)
    assert.ok(moving.progress.keysPerSec > 0 && moving.progress.secondsLeft! > 0)

    const { stdout, stderr, exitCode } = await runCli(['ring', 'pause', '-t', file, '--json'])
    assert.equal(exitCode, 0, stderr)
    const paused = JSON.parse(stdout)
    assert.deepEqual([paused.schema, paused.epoch, paused.phase], ['cachectl/pause/v1', 3, 'migrate'])
    assert.equal(paused.stopped, moving.operator)
    const stopped = await operator.result
    assert.equal(stopped.exitCode, 6, stopped.stderr)
    assert.doesNotMatch(stopped.stderr, /Warning/)
    assert.match(stopped.stderr, /cachectl: paused by pid \d+ on .*\n.*ring resume` goes on/)

    const standing = await status()
    assert.equal(standing.operator, null)
    assert.match(standing.pause?.by ?? '', /^pid \d+ on /)
    assert.equal(standing.progress?.keysPerSec, 0)
    const arrived = await (await servers.connect(3)).call('KEYS', 'k:*')
    assert.equal(standing.progress?.movedKeyCount, Array.isArray(arrived) && arrived.length)
    assert.deepEqual(
      standing.clients.map(({ late, ackedEpoch }) => [late, ackedEpoch]),
      [[false, 3]],
    )
    const text = (await runCli(['ring', 'status', '-t', file])).stdout
    assert.match(text, /^paused by pid \d+ on .* since .*Z\n`ring resume` finishes it$/m)
    assert.match(text, /^moved: [\d,]+ of about [\d,]+ keys \(\d+ %\), /m)
    for (const line of text.split('\n')) assert.ok(line.length <= 80, line)

    const again = await runCli(['ring', 'pause', '-t', file])
    assert.equal(again.exitCode, 0, again.stderr)
    assert.match(again.stdout, /stands still already[\s\S]*Moved [\d,]+ of about[\s\S]*ring resume/)

    await client.call('SET', 'k:1', 'new')
    assert.equal(String(await client.call('GET', 'k:1')), 'new')
    const resume = await runCli(['ring', 'resume', '-t', file, '--yes'])
    assert.equal(resume.exitCode, 0, resume.stderr)
    assert.equal(String(await client.call('GET', 'k:1')), 'new')
    await client.close()
    client = undefined
    assert.equal((await runCli(['ring', 'check', '-t', file])).exitCode, 0)
    const end = await status()
    assert.deepEqual([end.phase, end.operator, end.pause, end.progress], ['stable', null, null, null])
    const steps = end.journal.map(({ step }) => step)
    assert.deepEqual(steps.slice(-4), ['resume', 'drain', 'commit', 'end'])
    const begin = (await readJournal(journalPath(file))).records.findLast(({ step }) => step === 'begin')
    assert.equal(begin?.details.after, 'n1 n2 n3 n4')
    assert.ok(Number(begin?.details.expectedKeys) > 1_500)
  })

  it('the same command again goes on as well, and counts on from where it was', async () => {
    const remove = ['ring', 'remove', 'n4', '-t', file, '--yes']
    const operator = startCli([...remove, '--max-keys-per-sec', '300'])
    let moving = await status()
    while (!moving.progress || moving.progress.movedKeyCount === 0) moving = await status()
    assert.equal((await runCli(['ring', 'pause', '-t', file])).exitCode, 0)
    assert.equal((await operator.result).exitCode, 6)
    const first = (await status()).progress!
    const second = startCli([...remove, '--max-keys-per-sec', '300'])
    let later = await status()
    while (later.operator === null || (later.progress?.movedKeyCount ?? 0) <= first.movedKeyCount)
      later = await status()
    assert.equal(later.pause, null)
    assert.equal(later.progress?.expectedKeyCount, first.expectedKeyCount)
    const { exitCode, stderr } = await second.result
    assert.equal(exitCode, 0, stderr)
    assert.equal((await runCli(['ring', 'check', '-t', file])).exitCode, 0)
  })

  it('a damaged journal is told by status, and set aside by resume, which finishes', async () => {
    const operator = startCli(add(), { env: { CACHECTL_FAILPOINT: 'drain:kill' } })
    assert.equal((await operator.result).signal, 'SIGKILL')
    const path = journalPath(file)
    const lines = (await readFile(path, 'utf8')).split('\n')
    lines[3] = `x${lines[3]}`
    await writeFile(path, lines.join('\n'))
    await appendFile(path, 'torn')
    const shown = await runCli(['ring', 'status', '-t', file])
    assert.equal(shown.exitCode, 0)
    assert.match(shown.stderr, /journal record 4: checksum mismatch/)
    assert.match(shown.stdout, /nobody is at work on it\n`ring resume` finishes it/)
    assert.match(shown.stdout, /last steps:\n.* begin /)
    const resume = await runCli(['ring', 'resume', '-t', file, '--yes'])
    assert.equal(resume.exitCode, 0, resume.stderr)
    assert.match(resume.stderr, /journal record 4: checksum mismatch; the journal was set aside as/)
    assert.equal((await runCli(['ring', 'check', '-t', file])).exitCode, 0)
    assert.deepEqual((await status()).warnings, [])
  })

  it('a journal of another ring is refused before anything is changed', async () => {
    const before = (await status()).epoch
    await writeFile(file, (await readFile(file, 'utf8')).replace('name: test', 'name: carts'))
    const { exitCode, stderr } = await runCli(['ring', 'remove', 'n4', '-t', file, '--yes'])
    assert.equal(exitCode, 6, stderr)
    assert.match(stderr, /journal .* belongs to ring test, this is ring carts/)
    assert.equal((await status()).epoch, before)
  })

  it('has help with an example and the exit codes', async () => {
    const { stdout } = await runCli(['ring', 'pause', '--help'])
    assert.match(stdout, /EXAMPLES\n[\s\S]*ring pause/)
    assert.match(stdout, /EXIT CODES/)
    assert.match(stdout, /--json/)
  })
})
