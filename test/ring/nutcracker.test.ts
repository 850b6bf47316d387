/** Byte compatibility, against the real proxy: every key must be where nutcracker put it. */
import assert from 'node:assert/strict'
import { hashesFor } from '../../src/ring/algorithms.js'
import { buildRing } from '../../src/ring/build-ring.js'
import type { HashName, NodeSpec } from '../../src/ring/topology.js'
import { findNutcracker, type Nutcracker, type Pool, startNutcracker } from '../support/nutcracker.js'
import { startServers, type TestServers, testTopology } from '../support/redis-servers.js'

const keyCount = 5_000

interface Case {
  readonly name: string
  readonly hash: HashName
  readonly distribution: Pool['distribution']
  readonly weights: readonly number[]
  readonly labels?: readonly string[]
  readonly hashTag?: string
}

const equal = [1, 1, 1]
const cases: Case[] = [
  ...hashesFor('ketama-twemproxy').map(
    (hash): Case => ({ name: `ketama ${hash}`, hash, distribution: 'ketama', weights: equal }),
  ),
  ...hashesFor('modula-twemproxy').map(
    (hash): Case => ({ name: `modula ${hash}`, hash, distribution: 'modula', weights: equal }),
  ),
  { name: 'weights 1:2:5', hash: 'fnv1a_64', distribution: 'ketama', weights: [1, 2, 5] },
  { name: 'modula, weights 1:2:5', hash: 'murmur', distribution: 'modula', weights: [1, 2, 5] },
  {
    name: 'named servers',
    hash: 'fnv1a_64',
    distribution: 'ketama',
    weights: equal,
    labels: ['gamma', 'beta', 'a'],
  },
  { name: 'hash tag {}', hash: 'fnv1a_64', distribution: 'ketama', weights: equal, hashTag: '{}' },
  { name: 'hash tag $$', hash: 'md5', distribution: 'ketama', weights: equal, hashTag: '$$' },
]

describe('twemproxy compatibility, through nutcracker', () => {
  let servers: TestServers
  let proxy: Nutcracker

  before(async function () {
    const binary = await findNutcracker()
    if (!binary) {
      process.stderr.write(
        '    nutcracker is not installed: the comparison with the real twemproxy is left out\n',
      )
      this.skip()
      return
    }
    servers = await startServers(3)
    const pools = cases.map((each): Pool => {
      const { hash, distribution, hashTag } = each
      return { hash, distribution, ...(hashTag ? { hashTag } : {}), servers: nodesOf(each).map(serverLine) }
    })
    proxy = await startNutcracker(binary, servers.directory, pools)
  })
  after(async () => {
    await proxy?.stop()
    await servers?.stop()
  })

  function nodesOf({ weights, labels }: Case): NodeSpec[] {
    return servers.servers.map(({ node }, index) => ({
      ...node,
      weight: weights[index]!,
      ...(labels ? { label: labels[index]! } : {}),
    }))
  }

  for (const [pool, each] of cases.entries()) {
    it(each.name, async () => {
      const { hash, distribution, hashTag } = each
      const ring = buildRing(
        testTopology(nodesOf(each), {
          algorithm: `${distribution}-twemproxy`,
          hash,
          ...(hashTag ? { hashTag } : {}),
        }),
      )
      const keys = testKeys(pool)
      const client = await proxy.connect(pool)
      for (let at = 0; at < keys.length; at += 500) {
        const replies = await client.send(keys.slice(at, at + 500).map((key) => ['SET', key, '1']))
        assert.ok(replies.every((reply) => reply === 'OK'))
      }
      for (const index of servers.servers.keys()) {
        const mine = keys.filter((key) => ring.ownerIndex(key) === index)
        const node = await servers.connect(index)
        const found = await node.send(mine.map((key) => ['EXISTS', key]))
        assert.equal(
          found.filter((reply) => reply === 1).length,
          mine.length,
          `${servers.servers[index]!.id} misses keys`,
        )
        await node.send([['FLUSHALL']])
      }
    })
  }
})

function serverLine(node: NodeSpec): string {
  const address =
    node.address.kind === 'tcp' ? `${node.address.host}:${node.address.port}` : node.address.path
  return `${address}:${node.weight}${node.label ? ` ${node.label}` : ''}`
}

/** Short, binary, UTF-8 and tagged keys; unique within a pool. nutcracker has no empty key. */
function testKeys(seed: number): Buffer[] {
  const keys = new Map<string, Buffer>()
  for (let i = 0; keys.size < keyCount; i++) {
    const n = i * 31 + seed
    const shapes = [
      Buffer.from(`user:${n}`),
      Buffer.from([n & 255, (n >> 8) & 255, 0, 255, 13, 10, (n * 7) & 255]),
      Buffer.from(`ключ-${n}-鍵`),
      Buffer.from(`{tag${n % 97}}:${n}`),
      Buffer.from(`$x${n % 89}$y${n}`),
      Buffer.from([n & 255]),
      Buffer.from(`{}${n}`),
    ]
    const key = shapes[i % shapes.length]!
    keys.set(key.toString('latin1'), key)
  }
  return [...keys.values()]
}
