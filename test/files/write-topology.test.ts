import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { editTopology } from '../../src/files/edit-topology-text.js'
import { loadTopology, parseTopology } from '../../src/files/topology-file.js'
import { writeTopology } from '../../src/files/write-topology.js'
import { withNode, withoutNode, withWeights } from '../../src/ring/edit-topology.js'
import { testNode } from '../support/redis-servers.js'

const block = `# the fleet
name: fleet # a name

ring:
  algorithm: ring   # the default

nodes:
  # first rack
  - id: n1
    url: redis://127.0.0.1:7001   # old box
    weight: 2
  - id: n2
    url: redis://127.0.0.1:7002
`
const flow =
  'name: fleet\nnodes:\n  - { id: n1, url: "redis://127.0.0.1:7001" }\n  - { id: n2, url: redis://127.0.0.1:7002 }\n'

const inline =
  'name: fleet\nnodes: [{id: n1, url: "redis://127.0.0.1:7001"}, {id: n2, url: "redis://127.0.0.1:7002"}]\n'

describe('writing a topology back', () => {
  const n3 = testNode('n3', 7003)

  it('keeps comments and layout, and changes what changed', () => {
    const before = parseTopology(block, 'f')
    assert.equal(editTopology(block, before), block)
    assert.equal(
      editTopology(block, withWeights(before, new Map([['n1', 5]]))),
      block.replace('weight: 2', 'weight: 5'),
    )
    assert.equal(
      editTopology(block, withNode(before, n3)),
      `${block}  - id: n3\n    url: redis://127.0.0.1:7003\n`,
    )
    assert.match(
      editTopology(block, withoutNode(before, 'n2')),
      /# first rack\n {2}- id: n1\n.*# old box\n {4}weight: 2\n$/,
    )
  })

  it('writes like the file: a list in flow style stays one', () => {
    const text = editTopology(flow, withNode(parseTopology(flow, 'f'), n3))
    assert.equal(text, `${flow}  - { id: n3, url: redis://127.0.0.1:7003 }\n`)
    const heavier = editTopology(flow, withWeights(parseTopology(flow, 'f'), new Map([['n1', 4]])))
    assert.equal(heavier, flow.replace(':7001"', ':7001", weight: 4'))
  })

  it('leaves replicas where they are, writes those of a new node, and takes none of them in as a node', () => {
    const text = `${block}    replicas:\n      - redis://127.0.0.1:7012 # rack b\n`
    const before = parseTopology(text, 'f')
    const there = { url: 'redis://127.0.0.1:7013', address: testNode('r', 7013).address }
    const after = withWeights(withNode(before, { ...n3, replicas: [there] }), new Map([['n2', 3]]))
    const edited = editTopology(text, after)
    assert.match(edited, /7012 # rack b\n/)
    assert.deepEqual(parseTopology(edited, 'f'), after)
    assert.throws(() => withNode(before, testNode('n9', 7012)), /127\.0\.0\.1:7012 is a replica of node n2/)
  })

  it('says what the value says, after any edits', () => {
    const edit = fc.oneof(
      fc.record({
        kind: fc.constant('add' as const),
        node: fc.integer({ min: 1, max: 9 }),
        weight: fc.integer({ min: 1, max: 9 }),
      }),
      fc.record({
        kind: fc.constant('remove' as const),
        node: fc.integer({ min: 1, max: 9 }),
        weight: fc.constant(1),
      }),
      fc.record({
        kind: fc.constant('weigh' as const),
        node: fc.integer({ min: 1, max: 9 }),
        weight: fc.integer({ min: 1, max: 9 }),
      }),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(block, flow, `${block}\n# the end\n`, inline, block.trimEnd()),
        fc.array(edit, { maxLength: 6 }),
        (text, edits) => {
          let topology = parseTopology(text, 'f')
          for (const { kind, node, weight } of edits) {
            const id = `n${node}`
            const isThere = topology.nodes.some((each) => each.id === id)
            if (kind === 'add' && !isThere)
              topology = withNode(topology, { ...testNode(id, 7000 + node), weight })
            if (kind === 'remove' && isThere && topology.nodes.length > 1)
              topology = withoutNode(topology, id)
            if (kind === 'weigh' && isThere) topology = withWeights(topology, new Map([[id, weight]]))
          }
          assert.deepEqual(parseTopology(editTopology(text, topology), 'f'), topology)
        },
      ),
    )
  })

  describe('to disk', () => {
    let directory: string
    let path: string
    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
      path = join(directory, 'cachectl.yaml')
      await writeFile(path, block)
    })
    afterEach(() => rm(directory, { recursive: true, force: true }))

    it('replaces the file', async () => {
      const file = await loadTopology(path)
      await writeTopology(file, withNode(file.topology, n3))
      assert.equal((await loadTopology(path)).topology.nodes.length, 3)
    })

    it('does not overwrite what somebody else wrote meanwhile', async () => {
      const file = await loadTopology(path)
      await writeFile(path, `${block}# edited\n`)
      await assert.rejects(writeTopology(file, withNode(file.topology, n3)), {
        exitCode: 5,
        message: /was edited/,
      })
      assert.equal(await readFile(path, 'utf8'), `${block}# edited\n`)
    })

    it('says that the keys have moved when the file can not be written', async () => {
      const file = await loadTopology(path)
      await rm(directory, { recursive: true })
      await assert.rejects(writeTopology(file, file.topology), {
        exitCode: 6,
        message: /the keys have moved/,
      })
    })
  })
})
