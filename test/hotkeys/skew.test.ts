import assert from 'node:assert/strict'
import { misplacedKeys } from '../../src/hotkeys/misplaced.js'
import { frontKeys, hottestLoads, type KeyLoad, placesOf, skewOf } from '../../src/hotkeys/skew.js'
import { Tally } from '../../src/hotkeys/tally.js'
import { median } from '../../src/measure/statistics.js'
import { createRandom } from '../../src/random.js'
import { hashFunction } from '../../src/ring/hash/named-hash.js'

const xxh32 = hashFunction('xxh32', 'signed')
const hash = (name: string) => xxh32(Buffer.from(name, 'latin1'), 0, name.length)

/** Zipf over so many keys, each on a node by an ideal hash; figures are medians of some placements. */
function whatIf(theta: number, nodeCount: number) {
  const keyCount = 1_000_000
  const weights = Float64Array.from({ length: keyCount }, (_, rank) => (rank + 1) ** -theta)
  const placements = Array.from({ length: 7 }, (_, seed) => {
    const random = createRandom(seed + 1)
    const loads = new Map(Array.from({ length: nodeCount }, (_, node) => [`n${node}`, 0]))
    const sums = new Float64Array(nodeCount)
    const keys: KeyLoad[] = []
    weights.forEach((weight, rank) => {
      const node = random.below(nodeCount)
      sums[node]! += weight
      if (rank < 200) keys.push({ name: `k${rank}`, node: `n${node}`, opsPerSec: weight })
    })
    sums.forEach((load, node) => {
      loads.set(`n${node}`, load)
    })
    const home = new Map(keys.map(({ name, node }) => [name, node]))
    const owner = (name: string) => home.get(name) ?? `n${hash(name) % nodeCount}`
    const hotKeys = new Set(keys.slice(0, 5).map(({ name }) => name))
    return skewOf({ opsPerSec: loads, keys, hotKeys, placement: { owner, hashTag: undefined } })!
  })
  const middle = (figure: (skew: (typeof placements)[number]) => number) => median(placements.map(figure))
  return {
    base: middle(({ maxOverMean }) => maxOverMean),
    l1: middle(({ whatIf: { l1 } }) => l1.maxOverMean),
    left: middle(({ whatIf: { l1 } }) => l1.remainingLoad),
    inTwo: middle(({ whatIf: { split } }) => split[0]!.maxOverMean),
    inAll: middle(({ whatIf: { split } }) => split.at(-1)!.maxOverMean),
  }
}

describe('what taking hot keys off the nodes would do', () => {
  // a simulation of its own: 30 placements of 1 M keys, ideal hash
  const simulated: [
    theta: number,
    nodes: number,
    base: number,
    l1: number,
    left: number,
    inTwo: number,
    inAll: number,
  ][] = [
    [0.99, 4, 1.19, 1.05, 0.84, 1.07, 1.04],
    [0.99, 8, 1.41, 1.08, 0.77, 1.23, 1.06],
    [0.99, 16, 1.96, 1.1, 0.71, 1.48, 1.07],
    [1.2, 8, 2.28, 1.19, 0.47, 1.68, 1.09],
  ]
  for (const [theta, nodes, base, l1, left, inTwo, inAll] of simulated) {
    it(`zipf ${theta} on ${nodes} nodes: as simulated`, () => {
      const found = whatIf(theta, nodes)
      for (const [name, value, expected, slack] of [
        ['base', found.base, base, 0.15],
        ['L1', found.l1, l1, 0.05],
        ['left', found.left, left, 0.02],
        ['in two places', found.inTwo, inTwo, 0.2],
        ['everywhere', found.inAll, inAll, 0.05],
      ] as const)
        assert.ok(Math.abs(value / expected - 1) < slack, `${name}: ${value}, simulated ${expected}`)
    })
  }

  it('needs n ln n keys, and two nodes', () => {
    assert.deepEqual([1, 2, 8, 16].map(frontKeys), [1, 2, 17, 45])
    const placement = { owner: () => 'n1', hashTag: undefined }
    assert.equal(
      skewOf({ opsPerSec: new Map([['n1', 5]]), keys: [], hotKeys: new Set(), placement }),
      undefined,
    )
  })

  it('places copies on distinct nodes, the owner first, and gives up where there are no more', () => {
    const owner = (name: string) => `n${hash(name) % 3}`
    const places = placesOf('k', 5, { owner, hashTag: '{}' })
    assert.equal(places[0], owner('k'))
    assert.deepEqual([...places].sort(), ['n0', 'n1', 'n2'])
  })
})

describe('keys on nodes that do not own them', () => {
  const tally = new Tally('n1')
  const names = ['a', 'b', 'b', '__cachectl:gate', '__cachectl:copy:1:a']
  tally.add({
    node: 'n1',
    atMs: 0,
    commands: names.map((name) => ({ command: 'get', keys: [name], bytes: 1, client: '' })),
  })

  it('are told, most asked for first, but not records of our own', () => {
    const found = misplacedKeys([tally], (name) => (name === 'a' ? 'n1' : 'n2'))
    assert.deepEqual(found.nodes, [{ node: 'n1', share: 3 / 4 }])
    assert.deepEqual(found.keys, [
      { name: 'b', node: 'n1', owner: 'n2', seen: 2 },
      { name: '__cachectl:copy:1:a', node: 'n1', owner: 'n2', seen: 1 },
    ])
  })

  it('are none where all is in its place', () => {
    assert.deepEqual(
      misplacedKeys([tally], () => 'n1'),
      { nodes: [], keys: [] },
    )
  })

  it('and the hottest loads are shares of the commands there are', () => {
    assert.deepEqual(hottestLoads([tally], new Map([['n1', 1_000]]), 1), [
      { name: 'b', node: 'n1', opsPerSec: 400 },
    ])
  })
})
