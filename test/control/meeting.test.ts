import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.js'
import { createEtcdMeeting } from '../../src/control/etcd-meeting.js'
import { createFileMeeting } from '../../src/control/file-meeting.js'
import { createRedisMeeting } from '../../src/control/redis-meeting.js'
import { type Etcd, findEtcd, startEtcd } from '../support/etcd.js'
import { freePort, startServers, type TestServers, testNode } from '../support/redis-servers.js'
import { meetingContract } from './meeting-contract.js'

const binary = await findEtcd()

describe('meeting on a Redis server', () => {
  let servers: TestServers
  before(async () => {
    servers = await startServers(1)
  })
  after(() => servers.stop())

  meetingContract(() => ({
    open: () => createRedisMeeting({ node: servers.servers[0]!.node }),
    expireAll: async () => {
      const connection = await servers.connect(0)
      const keys = await connection.call('KEYS', 'cachectl:{@bench}:texts:*')
      for (const key of Array.isArray(keys) ? keys.map(String) : []) await connection.call('DEL', key)
    },
    leftovers: async () => {
      const keys = await (await servers.connect(0)).call('KEYS', '*')
      return Array.isArray(keys) ? keys.map(String) : []
    },
  }))

  it('gives the server a time for every key', async () => {
    const meeting = createRedisMeeting({ node: servers.servers[0]!.node })
    await meeting.put('agents/a', 'x', 30)
    await meeting.put('agents/b', 'x', 5)
    const connection = await servers.connect(0)
    const ttlOf = async (key: string) => Number(await connection.call('TTL', `cachectl:{@bench}:${key}`))
    assert.ok((await ttlOf('texts:agents/a')) > 25)
    assert.ok((await ttlOf('texts:agents/b')) <= 5)
    assert.ok((await ttlOf('names')) > 25, 'the index goes before what it names')
    await meeting.close()
  })

  it('that is away is unreachable, by name', async () => {
    const meeting = createRedisMeeting({ node: testNode('control', await freePort()) })
    await assert.rejects(meeting.get('x'), { exitCode: 4, message: /^control store redis:/ })
  })
})

describe('meeting in a folder', () => {
  let directory: string
  let passedMs = 0
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))
  const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + passedMs }

  meetingContract(() => ({
    open: () => createFileMeeting(join(directory, 'control'), clock),
    expireAll: async () => {
      passedMs += 11_000
    },
    leftovers: () => readdir(join(directory, 'control', 'bench')),
  }))
})

describe(`meeting on etcd${binary ? '' : ' (skipped: no etcd on PATH)'}`, () => {
  let etcd: Etcd
  before(async function () {
    if (!binary) this.skip()
    etcd = await startEtcd(binary)
  })
  after(() => etcd?.stop())
  const post = async (path: string, body: object) => {
    const response = await fetch(`${etcd.endpoint}${path}`, { method: 'POST', body: JSON.stringify(body) })
    return (await response.json()) as { leases?: { ID: string }[]; kvs?: { key: string }[] }
  }

  meetingContract(() => ({
    open: () => createEtcdMeeting({ endpoints: [etcd.endpoint] }, systemClock),
    expireAll: async () => {
      const { leases } = await post('/v3/lease/leases', {})
      for (const { ID } of leases ?? []) await post('/v3/lease/revoke', { ID })
    },
    leftovers: async () => {
      const all = Buffer.of(0).toString('base64')
      const { kvs } = await post('/v3/kv/range', { key: all, range_end: all })
      return (kvs ?? []).map(({ key }) => Buffer.from(key, 'base64').toString())
    },
  }))

  it('one lease serves many texts of the same time', async () => {
    const before = (await post('/v3/lease/leases', {})).leases?.length ?? 0
    const meeting = createEtcdMeeting({ endpoints: [etcd.endpoint] }, systemClock)
    await Promise.all(Array.from({ length: 10 }, (_, index) => meeting.put(`agents/${index}`, 'x', 15)))
    assert.equal((await post('/v3/lease/leases', {})).leases?.length, before + 1)
  })
})
