import assert from 'node:assert/strict'
import { parseControlUrl } from '../../src/files/control-url.js'
import { parseTopology } from '../../src/files/topology-file.js'

describe('where a ring’s state is kept', () => {
  it('is a folder, a Redis server, or the members of an etcd', () => {
    assert.deepEqual(parseControlUrl('file:state'), { kind: 'file', folder: 'state' })
    assert.deepEqual(parseControlUrl('file:///var/lib/x'), { kind: 'file', folder: '/var/lib/x' })
    assert.deepEqual(parseControlUrl('etcd://a:2379,b,[::1]:7'), {
      kind: 'etcd',
      endpoints: ['http://a:2379', 'http://b:2379', 'http://[::1]:7'],
    })
    assert.deepEqual(parseControlUrl('etcds://a'), { kind: 'etcd', endpoints: ['https://a:2379'] })
    const redis = parseControlUrl('rediss://h:1/2')
    assert.ok(typeof redis === 'object' && redis.kind === 'redis')
    assert.deepEqual([redis.endpoint.address, redis.endpoint.db], [{ kind: 'tcp', host: 'h', port: 1 }, 2])
  })

  for (const text of [
    '',
    'file:',
    'http://a',
    'etcd://',
    'etcd://a,,b',
    'etcd://a,b/c',
    'etcd://u:p@a',
    'etcd://a:99999',
    'redis://u:p@a',
    `etcd://${Array.from({ length: 17 }, (_, index) => `m${index}`).join(',')}`,
  ]) {
    it(`is not ${JSON.stringify(text.slice(0, 30))}`, () => {
      assert.match(String(parseControlUrl(text)), /expected file:FOLDER/)
    })
  }

  it('is not the database of a node: its keys would move with the others', () => {
    const text = (db: number) =>
      `name: x\ncontrol:\n  url: redis://127.0.0.1:7001/${db}\nnodes:\n  - {id: n1, url: "redis://127.0.0.1:7001"}\n`
    assert.throws(() => parseTopology(text(0), 'x.yaml'), {
      exitCode: 2,
      message: /x\.yaml:3:8 control\.url: the database of node n1, whose keys move/,
    })
    assert.equal(parseTopology(text(1), 'x.yaml').name, 'x')
  })
})
