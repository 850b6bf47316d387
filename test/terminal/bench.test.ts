import assert from 'node:assert/strict'
import { stripVTControlCharacters } from 'node:util'
import { renderBench } from '../../src/terminal/bench.js'
import { formatMs, wrapText } from '../../src/terminal/format.js'
import { busyRun, resultOf } from '../support/bench-results.js'
import { latencies, runCounts } from '../support/run-counts.js'

const gates = ['p99<2ms', 'phase(calm).p99<10s', 'hit_ratio>=0.98', 'node(n9).p99<1ms', 'throughput>1k']
const screen = (columns: number, result = resultOf(busyRun(), gates)) =>
  stripVTControlCharacters(renderBench(result, { columns }))

describe('the screen of a run', () => {
  for (const columns of [80, 140]) {
    it(`fits ${columns} columns`, () => {
      for (const line of screen(columns).split('\n')) assert.ok([...line].length <= columns, line)
    })
  }

  it('shows both clocks of an open loop for every operation, and how the schedule was kept', () => {
    const text = screen(80)
    assert.match(text, /get +600,000 +response +\d/)
    assert.match(text, /\n +service +80 µs/)
    assert.match(text, /30,000\/s offered, 98\.88 % of it achieved, 20,123 not sent; send lag/)
  })

  it('says what it rests on: bottleneck, warnings, verified values, the source, the noise of the host', () => {
    const text = screen(80).replace(/\n {2}/g, ' ')
    assert.match(text, /Bottleneck: waiting: 99 % of what was due was done/)
    assert.match(text, /warning: 98\.9 % of the 30,000 requests\/s/)
    assert.match(text, /1,234,567 values verified: 0 wrong, 3 stale/)
    assert.match(text, /6,000 loads \(1\.00 a miss\), 311 of a key already loading/)
    assert.match(text, /This host stalled a thread that did nothing by 1\.30 ms at p99\.9/)
  })

  it('has gates with value and limit, and reasons below', () => {
    const text = screen(80)
    assert.match(text, /FAIL +p99<2ms +\d[\d.]* m?s +2\.00 ms/)
    assert.match(text, /PASS +hit_ratio>=0\.98 +0\.9900 +0\.9800/)
    assert.match(text, /PASS +throughput>1k +[\d,]+\/s +1,000\/s/)
    assert.match(text, /node\(n9\)\.p99<1ms: the run has no node n9/)
  })

  it('gives a reason that all gates share once', () => {
    const text = screen(80, resultOf(busyRun(), gates.slice(0, 3), false))
    assert.equal(text.match(/not to be trusted/g)?.length, 1)
    assert.match(text, /all gates: not to be trusted/)
  })

  it('has a table of phases only where there are several, evictions only where there are any', () => {
    assert.match(screen(80), /a peak with… +30 s/)
    const plain = screen(80, resultOf(runCounts({ cells: [{ service: latencies([1, 5]) }] })))
    assert.doesNotMatch(plain, /phase|evicted|service p99/)
    assert.match(plain, /Service times of a closed loop/)
  })

  it('shows nothing of a server text that a terminal would act on', () => {
    assert.ok(!renderBench(resultOf(busyRun())).includes('bad\u001b'))
  })
})

describe('numbers for people', () => {
  it('never become exponents', () => {
    const times = [0.0004, 0.9996, 12.34, 999.6, 12_345, 999_600, 5_000_000]
    assert.deepEqual(times.map(formatMs), [
      '0 µs',
      '1.00 ms',
      '12.3 ms',
      '1.00 s',
      '12.3 s',
      '1,000 s',
      '5,000 s',
    ])
  })

  it('stay with their per cent sign when lines break', () => {
    assert.equal(wrapText('about 3.5 % of it', 10, 2), 'about\n  3.5 % of\n  it')
  })
})
