import assert from 'node:assert/strict'
import { estimate } from '../../src/hotkeys/estimate.js'
import { keyNames, type Redaction } from '../../src/hotkeys/redaction.js'
import { hotKeysReport } from '../../src/hotkeys/report.js'
import { Tally } from '../../src/hotkeys/tally.js'
import { hotKeysPrometheus } from '../../src/report/hotkeys-prometheus.js'
import { columnsOf, cutMiddle } from '../../src/terminal/fit.js'
import { renderHotKeys } from '../../src/terminal/hotkeys.js'

const hostile = `evil:\x1b[31m${'x'.repeat(200)}:end`

function reportOf(redaction?: Redaction, failAbove = 0.9) {
  const tally = new Tally('cache-1')
  for (let burst = 0; burst < 60; burst++) {
    const names = Array.from({ length: 100 }, (_, line) =>
      line < 30 ? hostile : line < 40 ? 'user:7' : `user:${burst}-${line}`,
    )
    const commands = names.map((name) => ({ command: 'get', keys: [name], bytes: 40, client: '10.0.0.1:1' }))
    tally.add({ node: 'cache-1', atMs: burst * 100, commands })
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
    facts: new Map([['user:7', { exists: true, type: 'string', ttlMs: 9_000, sizeBytes: 512 }]]),
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
      assert.match(text, /user:\* +63\.0 %/)
      assert.match(text, /user:7 at cache-1 is owned by cache-2/)
      assert.match(text, /Node skew \(max\/mean\) 1\.80 at cache-1/)
      assert.match(text, /--fail-above 90\.0 %: passed/)
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

  it('lose their middle, by columns', () => {
    assert.equal(cutMiddle('abcdefghij', 7), 'abc…hij')
    assert.equal(cutMiddle('abc', 3), 'abc')
    assert.equal(cutMiddle('鍵鍵鍵鍵', 5), '鍵…鍵')
    assert.ok(columnsOf(cutMiddle('鍵'.repeat(50), 20)) <= 20)
  })
})
