import assert from 'node:assert/strict'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { CachectlError } from '../../src/errors.js'
import { loadTopology, parseTopology } from '../../src/files/topology-file.js'
import { root } from '../support/cli.js'

const minimal = 'name: x\nnodes:\n  - id: a\n    url: redis://h:1\n'

function problems(text: string): string[] {
  try {
    parseTopology(text, 'f.yaml')
  } catch (error) {
    assert.ok(error instanceof CachectlError)
    assert.equal(error.exitCode, 2)
    return error.message.split('\n')
  }
  return []
}

describe('topology files', () => {
  it('fill in what is left out', () => {
    const { ring, nodes } = parseTopology(minimal, 'f.yaml')
    assert.deepEqual(ring, { algorithm: 'ring', hash: 'xxh32', pointsPerWeight: 1000, charSign: 'signed' })
    assert.deepEqual(nodes, [
      { id: 'a', url: 'redis://h:1', address: { kind: 'tcp', host: 'h', port: 1 }, db: 0, weight: 1 },
    ])
  })

  it('that we ship all load', async () => {
    const files = await readdir(join(root, 'topologies'))
    assert.ok(files.length >= 4)
    for (const file of files) parseTopology(await readFile(join(root, 'topologies', file), 'utf8'), file)
  })

  const mistakes: [name: string, text: string, expected: RegExp[]][] = [
    [
      'an unknown field',
      `${minimal}    wieght: 2\n`,
      [/^f\.yaml:5:5 nodes\.0\.wieght: unknown field, expected weight\?$/],
    ],
    ['a field far from any name', `${minimal}    zzzzzzzz: 2\n`, [/unknown field, expected one of id, url/]],
    ['a secret in the file', `${minimal}    password: pw\n`, [/expected passwordEnv or passwordFile/]],
    ['a missing field', 'name: x\nnodes:\n  - id: a\n', [/^f\.yaml:3:5 nodes\.0\.url: missing/]],
    [
      'a weight that is no number',
      `${minimal}    weight: heavy\n`,
      [/^f\.yaml:5:13 nodes\.0\.weight: .*expected a whole number/],
    ],
    ['a weight out of range', `${minimal}    weight: 0\n`, [/expected a whole number from 1/]],
    ['no nodes', 'name: x\nnodes: []\n', [/expected at least one node/]],
    ['an empty file', '', [/expected/i]],
    [
      'a URL of another scheme',
      'name: x\nnodes:\n  - id: a\n    url: http://h\n',
      [/^f\.yaml:4:10 nodes\.0\.url: not a node URL, expected redis:/],
    ],
    [
      'credentials in a URL',
      'name: x\nnodes:\n  - id: a\n    url: redis://:pw@h:1\n',
      [/credentials in a URL, expected username/],
    ],
    [
      'a duplicate id',
      `${minimal}  - id: a\n    url: redis://h:2\n`,
      [/^f\.yaml:5:9 nodes\.1\.id: a stands in line 3 already/],
    ],
    [
      'a duplicate address',
      `${minimal}  - id: b\n    url: redis://h:1\n`,
      [/^f\.yaml:6:10 nodes\.1\.url: h:1 db 0 stands in line 4 already/],
    ],
    ['a duplicate key', 'name: x\nname: y\nnodes: []\n', [/^f\.yaml:2:1 .*unique/]],
    [
      'an alias',
      'name: &n x\nnodes:\n  - id: *n\n    url: redis://h:1\n',
      [/an anchor, expected none/, /an alias, expected the value/],
    ],
    ['a tag', 'name: !mine x\nnodes: []\n', [/tag/i]],
    [
      'a hash that does not fit',
      `ring:\n  hash: md5\n${minimal}`,
      [/^f\.yaml:2:9 ring\.hash: md5 does not go with ring, expected one of/],
    ],
    ['a hash tag of three', `ring:\n  hashTag: "{}}"\n${minimal}`, [/expected two ASCII characters/]],
    [
      'two ways to a password',
      `${minimal}    passwordEnv: A\n    passwordFile: b\n`,
      [/^f\.yaml:6:5 nodes\.0\.passwordFile: passwordEnv is given too/],
    ],
    [
      'replicas that are nodes, stand twice, have another database or no TLS where their node has it',
      `${minimal}    replicas: [redis://h:1, redis://h:2/3, redis://h:3, redis://h:3]\n  - {id: b, url: rediss://h:4, replicas: [redis://h:5]}\n`,
      [
        /^f\.yaml:5:16 nodes\.0\.replicas\.0: h:1 is node a, expected a server that copies this node$/,
        /^f\.yaml:5:29 nodes\.0\.replicas\.1: database 3, expected the node's, 0$/,
        /nodes\.0\.replicas\.3: h:3 stands in this list already/,
        /nodes\.1\.replicas\.0: its node is reached by rediss:\/\/, expected the same$/,
      ],
    ],
    ['no replicas', `${minimal}    replicas: []\n`, [/expected at least one URL/]],
    ['a replica with credentials', `${minimal}    replicas: [redis://:pw@h:2]\n`, [/credentials in a URL/]],
    ['nesting without end', `name: ${'['.repeat(5000)}`, [/nested deeper than 32 levels/]],
  ]
  for (const [name, text, expected] of mistakes) {
    it(`name the place, and what was expected: ${name}`, () => {
      const found = problems(text)
      assert.equal(found.length, expected.length, found.join('\n'))
      expected.forEach((pattern, index) => {
        assert.match(found[index]!, pattern)
      })
    })
  }

  it('know replicas: where they are, and all else as of their node', () => {
    const { nodes } = parseTopology(`${minimal}    replicas: [redis://h:2, "unix:///run/b"]\n`, 'f')
    assert.deepEqual(nodes[0]?.replicas, [
      { url: 'redis://h:2', address: { kind: 'tcp', host: 'h', port: 2 } },
      { url: 'unix:///run/b', address: { kind: 'unix', path: '/run/b' } },
    ])
  })

  it('show every mistake at once', () => {
    assert.equal(problems('nmae: x\nnodes:\n  - id: a b\n    url: nowhere\n').length, 4)
  })

  it('know IPv6, sockets, databases and TLS', () => {
    const urls = ['"redis://[::1]:7/3"', 'unix:///run/a.sock?db=2', 'rediss://h']
    const text = `name: x\nnodes:\n${urls.map((url, index) => `  - id: n${index}\n    url: ${url}\n`).join('')}`
    const { nodes } = parseTopology(text, 'f.yaml')
    assert.deepEqual(
      nodes.map(({ address, db, tls }) => ({ address, db, tls })),
      [
        { address: { kind: 'tcp', host: '::1', port: 7 }, db: 3, tls: undefined },
        { address: { kind: 'unix', path: '/run/a.sock' }, db: 2, tls: undefined },
        { address: { kind: 'tcp', host: 'h', port: 6379 }, db: 0, tls: {} },
      ],
    )
  })

  it('of more than 1 MiB are refused', async () => {
    const path = join(tmpdir(), `cachectl-test-${process.pid}-large.yaml`)
    await writeFile(path, `${minimal}# ${'x'.repeat(2 ** 20)}\n`)
    try {
      await assert.rejects(loadTopology(path), { exitCode: 2, message: /at most 1 MiB/ })
    } finally {
      await rm(path)
    }
  })

  it('can hold anything: the answer is a value or a clear refusal', () => {
    const yamlish = fc.array(
      fc.constantFrom(
        'name',
        'nodes',
        ':',
        ' ',
        '\n',
        '-',
        '[',
        '{',
        '}',
        '&a',
        '*a',
        '!t',
        '"',
        '0',
        '|',
        '\t',
        '\0',
      ),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          yamlish.map((parts) => parts.join('')),
        ),
        (text) => {
          problems(text)
        },
      ),
    )
  })
})
