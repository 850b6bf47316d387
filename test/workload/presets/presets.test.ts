import assert from 'node:assert/strict'
import { createRandom } from '../../../src/random.js'
import { createMix } from '../../../src/workload/mix.js'
import { listPresets, loadPreset, presetNames } from '../../../src/workload/presets/load-preset.js'
import { clusterRows } from '../../../src/workload/presets/twitter.js'
import type { Workload } from '../../../src/workload/workload.js'

const draws = 20_000

/** Shares of what a workload's requests are, by operation and by TTL; every size must be the given one. */
function drawShares(workload: Workload, seed: number, valueBytes: number) {
  const { operations } = workload
  const source = createMix(
    { kind: 'mix', distribution: workload.distribution, values: workload.values, ttl: workload.ttl },
    { operations, keyCount: workload.keys.count, random: createRandom(seed), part: { index: 0, count: 1 } },
  )
  const byOperation = new Map<string, number>()
  const byTtl = new Map<number, number>()
  let written = 0
  for (let index = 0; index < draws; index++) {
    source.next()
    const { name, kind } = operations[source.op]!
    byOperation.set(name, (byOperation.get(name) ?? 0) + 1 / draws)
    if (kind !== 'read' && kind !== 'write') continue
    assert.equal(source.valueBytes, valueBytes)
    written += 1
    byTtl.set(source.ttlSeconds, (byTtl.get(source.ttlSeconds) ?? 0) + 1)
  }
  return {
    byOperation,
    byTtl: new Map([...byTtl].map(([seconds, count]) => [seconds, count / written])),
    written,
  }
}

/** Within five standard deviations of `n` draws. */
function assertShares<Key>(
  got: ReadonlyMap<Key, number>,
  expected: ReadonlyMap<Key, number>,
  n: number,
  what: string,
) {
  const total = [...expected.values()].reduce((sum, share) => sum + share, 0)
  assert.deepEqual(new Set([...got.keys(), ...expected.keys()]), new Set(expected.keys()), what)
  for (const [key, given] of expected) {
    const share = given / total
    const tolerance = 5 * Math.sqrt((share * (1 - share)) / n) + 1e-5
    const drawn = got.get(key) ?? 0
    assert.ok(
      Math.abs(drawn - share) <= tolerance,
      `${what}: ${key} has ${drawn}, expected ${share} ± ${tolerance}`,
    )
  }
}

function sharesOf<Key>(text: string, keyOf: (name: string) => Key): Map<Key, number> {
  const shares = new Map<Key, number>()
  for (const part of text.split(',')) {
    const [name = '', share] = part.split(':')
    shares.set(keyOf(name), (shares.get(keyOf(name)) ?? 0) + Number(share))
  }
  return shares
}

function seconds(text: string): number {
  const unit = { s: 1, m: 60, h: 3600, d: 86400 }[text.at(-1) as 's' | 'm' | 'h' | 'd']
  return Math.round(Number.parseFloat(text) * unit)
}

describe('workload presets', () => {
  it('have names, sources, and sizes that can be drawn', () => {
    const listed = listPresets()
    assert.equal(listed.length, 6 + 1 + 53)
    for (const { name, summary } of listed) {
      const workload = loadPreset(name)
      assert.equal(workload.name, name)
      assert.match(workload.citation ?? '', /(CC BY 4\.0|Apache-2\.0)/)
      assert.match(summary, / %.*; [\d,]+ keys$/)
      assert.equal(workload.fill, true)
      assert.deepEqual(
        workload.phases.map(({ durationMs, rate }) => [durationMs, rate.kind]),
        [[10_000, 'max']],
      )
    }
  })

  it('refuse a name with the nearest one', () => {
    assert.throws(() => loadPreset('yscb:b'), { exitCode: 2, message: /did you mean ycsb:b\?/ })
    assert.throws(() => loadPreset('ycsb:b:c'), { exitCode: 2 })
    assert.throws(() => loadPreset('constructor:x'), { exitCode: 2, message: /no preset/ })
    assert.throws(() => loadPreset('twitter:cluster55'), { exitCode: 2, message: /no preset of this name/ })
  })

  it('refuse the cluster whose figures the source lacks', () => {
    assert.throws(() => loadPreset('twitter:cluster5'), {
      exitCode: 2,
      message:
        /twitter:cluster5: the source gives no key size, value size, operations, TTL mix of this cluster/,
    })
    assert.ok(presetNames.includes('twitter:cluster5'))
  })

  it('twitter: sizes, operations and TTLs of each cluster, drawn', () => {
    const operationOf = (command: string) =>
      ({ get: 'get', gets: 'get', delete: 'del', incr: 'incr' })[command] ?? 'set'
    for (const row of clusterRows.filter(({ name }) => name !== 'cluster5')) {
      const workload = loadPreset(`twitter:${row.name}`)
      const seed = Number(row.name.slice('cluster'.length))
      const { byOperation, byTtl, written } = drawShares(workload, seed, Number(row.valueBytes))
      assert.deepEqual(workload.keys.bytes, { kind: 'fixed', value: Number(row.keyBytes) })
      assertShares(
        byOperation,
        sharesOf(row.operations, operationOf),
        draws,
        `${row.name}, seed ${seed}, operation`,
      )
      assertShares(byTtl, sharesOf(row.ttl, seconds), written, `${row.name}, seed ${seed}, TTL`)
      const theta = Number(row.alpha)
      assert.deepEqual(workload.distribution, theta > 0 ? { kind: 'zipf', theta } : { kind: 'uniform' })
    }
  })

  it('twitter: what was filled in or scaled is said', () => {
    const noted = (name: string) => loadPreset(`twitter:${name}`).citation ?? ''
    assert.match(noted('cluster43'), /uniformly: the source gives no Zipf alpha/)
    assert.match(noted('cluster31'), /uniformly: the source gives a Zipf alpha of 0/)
    assert.match(noted('cluster6'), /common TTLs, 26 % of all; their shares are scaled to 1/)
    assert.match(noted('cluster53'), /prepend: read as get or written as set/)
    assert.doesNotMatch(noted('cluster2'), /scaled|uniformly/)
    assert.match(noted('cluster24'), /Sizes are fixed: the source gives means/)
  })

  it('meta: the hottest key takes its 6.6 % although the keys are fewer than at the source', () => {
    const { distribution, values, ttl, operations, keys } = loadPreset('meta:kvcache')
    const source = createMix(
      { kind: 'mix', distribution, values, ttl },
      { operations, keyCount: keys.count, random: createRandom(7), part: { index: 0, count: 1 } },
    )
    const counts = new Map<number, number>()
    for (let index = 0; index < draws; index++) {
      source.next()
      counts.set(source.key, (counts.get(source.key) ?? 0) + 1)
      assert.ok(source.valueBytes <= 523_487)
    }
    const share = 0.06624
    const hottest = Math.max(...counts.values()) / draws
    assert.ok(Math.abs(hottest - share) <= 5 * Math.sqrt((share * (1 - share)) / draws), `seed 7: ${hottest}`)
  })

  it('ycsb: proportions, 1,000 byte records, and a scan that says what it is', () => {
    const mixes = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) =>
      loadPreset(`ycsb:${letter}`)
        .operations.map(({ name, weight }) => `${name} ${weight}`)
        .join(', '),
    )
    assert.deepEqual(mixes, [
      'get 0.5, set 0.5',
      'get 0.95, set 0.05',
      'get 1',
      'get 0.95, insert 0.05',
      'scan 0.95, insert 0.05',
      'get 0.5, rmw 0.5',
    ])
    const scan = loadPreset('ycsb:e')
    assert.deepEqual(scan.operations[0]?.keyCount, { min: 1, max: 100, consecutive: true })
    assert.match(scan.citation ?? '', /A scan is an MGET/)
    assert.deepEqual(scan.values, { kind: 'fixed', value: 1_000 })
    assert.deepEqual(loadPreset('ycsb:d').distribution, { kind: 'latest', theta: 0.99 })
  })
})
