import assert from 'node:assert/strict'
import { estimate } from '../../src/hotkeys/estimate.js'
import { keyNames, type Redaction } from '../../src/hotkeys/redaction.js'
import { hotKeysReport } from '../../src/hotkeys/report.js'
import type { KeyFacts } from '../../src/hotkeys/suggestions.js'
import { Tally } from '../../src/hotkeys/tally.js'
import { hotKeysPrometheus } from '../../src/report/hotkeys-prometheus.js'
import { columnsOf, cutMiddle } from '../../src/terminal/fit.js'
import { formatAbout, formatSeconds } from '../../src/terminal/format.js'
import { renderHotKeys } from '../../src/terminal/hotkeys.js'

const hostile = `evil:\x1b[31m${'x'.repeat(200)}:end`

/** Of 100 commands of a burst 30 ask for the first key, 10 for the second, 5 are PING. */
function reportOf(redaction?: Redaction, failAbove = 0.9, moreFacts = new Map<string, KeyFacts>()) {
  const tally = new Tally('cache-1')
  for (let burst = 0; burst < 60; burst++) {
    const names = Array.from({ length: 100 }, (_, line) =>
      line < 30 ? hostile : line < 40 ? 'user:7' : `user:${burst}-${line}`,
    )
    const commands = names.map((name) => ({ command: 'get', keys: [name], bytes: 40, client: '10.0.0.1:1' }))
    const pings = { command: 'ping', keys: [], isKeyless: true as const, bytes: 4, client: '10.0.0.1:1' }
    tally.add({
      ...{ node: 'cache-1', atMs: burst * 100 },
      commands: [...commands.slice(0, 95), ...Array.from({ length: 5 }, () => pings)],
    })
  }
  const opsPerSec = new Map([
    ['cache-1', 9_000],
    ['cache-2', 1_000],
  ])
  const threshold = 0.02
  const run = {
    tallies: [tally],
    estimate: estimate([tally], { threshold, top: 10, opsPerSec }),
    opsPerSec,
    seconds: 6,
    cost: { share: 0.008, isMeasured: true, serverMs: 48 },
    sources: [
      {
        ...{ node: 'cache-1', source: 'monitor' as const, reason: 'small commands' },
        ...{ notes: [], budgetPart: 1 },
      },
    ],
    rankings: [],
    settled: true,
    interrupted: false,
  }
  return hotKeysReport(run, {
    topology: 'shop',
    budget: 0.01,
    threshold,
    placement: { owner: (name) => (name === 'user:7' ? 'cache-2' : 'cache-1'), hashTag: undefined },
    names: keyNames(redaction, Buffer.from('secret')),
    facts: new Map<string, KeyFacts>([
      ['user:7', { exists: true, type: 'string', ttlMs: 9_000, sizeBytes: 512 }],
      ...moreFacts,
    ]),
    failAbove,
  })
}

describe('hot keys on the screen', () => {
  for (const columns of [80, 140])
    it(`fit ${columns} columns, whatever the keys`, () => {
      const text = renderHotKeys(reportOf(), { columns })
      for (const line of text.split('\n')) assert.ok(columnsOf(line) <= columns, line)
      assert.doesNotMatch(text, /\x1b\[31m/)
      assert.match(text, /evil:\\u\{1b\}\[31mx+…x+:end/)
      assert.match(text, /2 certain, 0 possible/)
      assert.match(text, /cost 0\.80 % of a node's time \(measured; budget 1\.0 %\)/)
      assert.match(text, /source monitor: small commands/)
      assert.match(text, /refresh-ahead {2}user:7: it expires within 9 s/)
      assert.match(text, /user:\* +58\.5 %/)
      assert.match(text, /user:7 at cache-1 is owned by cache-2/)
      assert.match(text, /Node skew \(max\/mean\) 1\.80 at cache-1/)
      assert.match(text, /--fail-above 90\.0 %: passed/)
    })

  it('begin with how many there are', () => {
    const [first] = renderHotKeys(reportOf(), { columns: 80 }).split('\n')
    assert.equal(first, 'hot keys (above 2.0 % of a node): 2 certain, 0 possible')
  })

  it('name what is asked for and not there, once, and commands without keys', () => {
    const report = reportOf(undefined, 0.9, new Map([[hostile, { exists: false }]]))
    const [missing] = report.missing
    assert.deepEqual(
      [report.missing.length, missing?.key, missing?.opsPerSec],
      [1, report.keys[0]?.key, report.keys[0]?.opsPerSec],
    )
    assert.deepEqual(
      report.keyless.map(({ node, command, share, opsPerSec }) => [node, command, share, opsPerSec]),
      [['cache-1', 'ping', 0.05, 450]],
    )
    const text = renderHotKeys(report, { columns: 140 })
    assert.match(text, /^Asked for 3,000 times\/s and not there: evil:.*:end; let clients remember/m)
    assert.doesNotMatch(text, /fix-client/)
    assert.match(text, /^Hot commands without keys: PING 5\.0 % of cache-1 \(450\/s\)/m)
    const [alone] = renderHotKeys(reportOf('hash', 0.9, new Map([[hostile, { exists: false }]])), {
      columns: 140,
    }).match(/^Asked for.*/m) ?? ['']
    assert.match(alone, /not there: #[0-9a-f]{12};/)
  })

  it('leave out those whose interval is as wide as their share, and say how many', () => {
    const report = reportOf()
    const [first] = report.keys
    const seldom = {
      ...first!,
      ...{ key: 'seldom', certainty: 'possible' as const },
      suggestion: { action: 'none' as const, reason: 'not certain yet' },
      nodes: [{ node: 'cache-1', share: 0.02, shareLow: 0, shareHigh: 0.05, opsPerSec: 1 }],
    }
    const text = renderHotKeys({ ...report, keys: [...report.keys, seldom] }, { columns: 140 })
    assert.doesNotMatch(text, /seldom +cache-1/)
    assert.match(text, /1 possible key was seen too seldom to be listed/)
  })

  it('name those above --fail-above', () => {
    const text = renderHotKeys(reportOf(undefined, 0.05), { columns: 140 })
    assert.match(text, /--fail-above 5\.0 %: failed, surely above: evil:.*:end, user:7\./)
  })

  it('show the CPU time of a key where the source tells it', () => {
    const report = reportOf()
    const keys = report.keys.map((key) => ({
      ...key,
      nodes: key.nodes.map((node) => ({ ...node, cpuShare: 0.42 })),
    }))
    assert.doesNotMatch(renderHotKeys(report, { columns: 80 }), /of CPU/)
    assert.match(renderHotKeys({ ...report, keys }, { columns: 80 }), /of CPU[\s\S]*42\.0 %/)
  })

  it('that servers have ranked are one table a unit, the heaviest of all nodes first', () => {
    const ranking = (node: string, weights: Record<string, number>) => ({
      ...{ node, source: 'lfu' as const, unit: 'popularity' as const },
      notes: ['fades', ...(node === 'n2' ? ['1 % seen'] : [])],
      keys: Object.entries(weights).map(([key, weight]) => ({ key, keyBase64: '', weight })),
    })
    const rankings = [ranking('n1', { a: 9, b: 2 }), ranking('n2', { c: 5, d: 1 })]
    const lines = renderHotKeys({ ...reportOf(), samples: 0, rankings }, { columns: 80 })
      .split('\n')
      .map((line) => line.trim().replace(/ +/g, ' '))
    const at = lines.indexOf('key node popularity')
    assert.deepEqual(lines.slice(at, at + 6), [
      'key node popularity',
      'a n1 9',
      'c n2 5',
      '',
      '- fades',
      '- n2: 1 % seen',
    ])
  })

  it('show more where there is room', () => {
    const titles = (columns: number) =>
      renderHotKeys(reportOf(), { columns })
        .split('\n')
        .find((line) => line.includes('of node  ')) ?? ''
    assert.doesNotMatch(titles(80), /top client/)
    assert.match(titles(140), /of ring.*TTL.*size/)
  })

  it('fail above a share that a certain key surely has, not that it may have', () => {
    assert.equal(reportOf(undefined, 0.25).failAbove!.passed, false)
    assert.equal(reportOf(undefined, 0.3).failAbove!.passed, true)
  })

  it('tell no name that is redacted', () => {
    const hashed = reportOf('hash')
    for (const text of [JSON.stringify(hashed), renderHotKeys(hashed, { columns: 140 })])
      assert.doesNotMatch(text, /user:|evil|dXNlcj/)
    assert.match(renderHotKeys(reportOf('prefix'), { columns: 140 }), /user:#[0-9a-f]{12}/)
  })

  it('are gauges without names for Prometheus', () => {
    const text = hotKeysPrometheus(reportOf())
    assert.match(text, /^cachectl_hotkeys_key_share\{rank="1",node="cache-1"\} 0\.3$/m)
    assert.match(text, /^cachectl_hotkeys_certain 2$/m)
    assert.match(text, /^cachectl_hotkeys_node_skew\{without="nothing"\} 1\.8$/m)
    assert.doesNotMatch(text, /evil|user:/)
  })

  it('tell times to live in one unit', () => {
    const texts = [6.04, 59.6, 599.7, 3_599, 172_000, 864_000].map(formatAbout)
    assert.deepEqual(texts, ['6.0 s', '1 min', '10 min', '1 h', '2 d', '10 d'])
    assert.deepEqual([9.96, 59.7, 119.7].map(formatSeconds), ['10 s', '1 min 0 s', '2 min 0 s'])
  })

  it('lose their middle, by columns', () => {
    assert.equal(cutMiddle('abcdefghij', 7), 'abc…hij')
    assert.equal(cutMiddle('abc', 3), 'abc')
    assert.equal(cutMiddle('鍵鍵鍵鍵', 5), '鍵…鍵')
    assert.ok(columnsOf(cutMiddle('鍵'.repeat(50), 20)) <= 20)
  })
})
