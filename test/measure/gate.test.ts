import assert from 'node:assert/strict'
import { measureRun } from '../../src/measure/bench-measures.js'
import { evaluateGates } from '../../src/measure/gate.js'
import { parseGate } from '../../src/measure/gate-parse.js'
import { latencies, runCounts, series } from '../support/run-counts.js'

/** Two nodes: n1 answered 90 gets in 1 ms, n2 10 in 5 ms; 95 hits, 5 misses, 1 error on n2; 2 s. */
const counts = runCounts({
  phases: [{ seconds: 2 }],
  cells: [
    { node: 0, op: 0, service: latencies([1, 90]) },
    { node: 1, op: 0, service: latencies([5, 10]) },
  ],
  outcomes: [
    { node: 0, hits: 90, misses: 0, errors: 0 },
    { node: 1, hits: 5, misses: 5, errors: 1 },
  ],
  errorKinds: { OOM: 1 },
})

const run = measureRun(counts)

function judge(expression: string, on = run, baseline?: typeof run, allowLag = false) {
  const [result] = evaluateGates([parseGate(expression)], on, { allowLag, ...(baseline ? { baseline } : {}) })
  return result!
}

describe('gates', () => {
  const cases: [expression: string, passed: boolean][] = [
    ['p50<2ms', true],
    ['p50 < 900us', false],
    ['p99<=5.1ms', true],
    ['p99.9>4ms', true],
    ['max<6ms', true],
    ['mean<0.0015s', true],
    ['hit_ratio>=0.95', true],
    ['hit_ratio>95%', false],
    ['errors==0', false],
    ['error_rate<1%', true],
    ['throughput>=50', true],
    ['throughput<0.1k', true],
    ['count==100', true],
    ['get.p99<6ms', true],
    ['node(n1).p99<1.1ms', true],
    ['node(n2).p99<1.1ms', false],
    ['node(n2).hit_ratio==0.5', true],
    ['node(n2).errors==1', true],
    ['set.p99<1s', false],
    ['node(n9).p99<1s', false],
  ]
  for (const [expression, passed] of cases) {
    it(`${expression}: ${passed ? 'passes' : 'fails'}`, () => {
      assert.equal(judge(expression).passed, passed)
    })
  }

  it('on a value that the run does not have fails, and says null', () => {
    assert.deepEqual(judge('del.p99<1s'), {
      expression: 'del.p99<1s',
      value: null,
      limit: null,
      unit: 'ms',
      passed: false,
      reason: 'nothing was answered there',
    })
  })

  const mistakes: [expression: string, column: number, message: RegExp][] = [
    ['', 0, /expected one of p50/],
    ['p100<1ms', 0, /expected one of p50/],
    ['get.p0<1ms', 4, /expected one of p50/],
    ['p99.999<1ms', 0, /expected one of p50/],
    ['p99', 3, /expected <, <=/],
    ['p99=1ms', 3, /expected <, <=/],
    ['p99<ms', 4, /expected a number or baseline/],
    ['p99<1', 5, /expected a unit/],
    ['p99<1%', 6, /% does not go with p99/],
    ['errors==0ms', 11, /ms does not go with errors/],
    ['p99<1ms and', 7, /expected nothing more/],
    ['node(n1).node(n2).p99<1ms', 9, /there is a node already/],
    ['service.hit_ratio>0.5', 8, /goes with a time only/],
    ['p99<baseline*', 13, /expected a number/],
    ['p99<baseline+5%', 15, /baseline\*1\.05/],
    ['p99 not better', 7, /expected worse than baseline/],
    ['get.p99 not worse than baseline', 0, /judged second by second/],
    ['p95 not worse than baseline', 0, /judged second by second/],
    ['p99 not worse than baseline by 5', 32, /expected %/],
  ]
  for (const [expression, column, message] of mistakes) {
    it(`${JSON.stringify(expression)} is refused with a caret at ${column}`, () => {
      assert.throws(
        () => parseGate(expression),
        (error: Error) => {
          assert.match(error.message, message)
          assert.equal(error.message.split('\n').at(-1), `  ${' '.repeat(column)}^`)
          return true
        },
      )
    })
  }

  /** An open loop: in the peak n2 took 2 ms and was 500 ms late; 9 sets in the calm phase. */
  const open = measureRun(
    runCounts({
      mode: 'open',
      phases: [
        { name: 'calm', seconds: 1, offered: 99 },
        { name: 'peak', seconds: 2, offered: 200 },
      ],
      cells: [
        { phase: 0, node: 0, op: 0, service: latencies([1, 90]), response: latencies([1, 90]) },
        { phase: 0, node: 0, op: 1, service: latencies([1, 9]), response: latencies([1, 9]) },
        { phase: 1, node: 1, op: 0, service: latencies([2, 200]), response: latencies([500, 200]) },
      ],
      outcomes: [{ phase: 1, node: 1, hits: 150, misses: 50, errors: 3 }],
      errorKinds: { MOVED: 3 },
      verified: { values: 100, wrong: 0, stale: 2 },
      series: series({
        answered: [99, 100, 100],
        phase: [0, 1, 1],
        nodes: { n2: { evicted: [1, 2, 4] } },
      }),
    }),
  )

  const scoped: [expression: string, value: number | RegExp][] = [
    ['phase(peak).p50>1ms', 501.3503],
    ['phase(peak).node(n2).get.p99<1s', 501.3503],
    ['node(n2).phase(peak).p99<1s', 501.3503],
    ['service.phase(peak).p99<3ms', 2.0095],
    ['phase(peak).set.p99<1s', /nothing was answered/],
    ['phase(peak).count>=200', 200],
    ['phase(peak).throughput>=100', 100],
    ['phase(peak).offered>=0.1k', 100],
    ['achieved==100%', 1],
    ['phase(peak).hit_ratio>=75%', 0.75],
    ['phase(calm).hit_ratio>0', /nothing was read/],
    ['phase(peak).evicted<7', 6],
    ['node(n1).evicted==0', /no node said/],
    ['moved<=3', 3],
    ['node(n2).moved==0', /for the whole run/],
    ['stale==2', 2],
    ['phase(peak).errors==3', 3],
    ['get.errors==0', /not by operation/],
    ['node(n2).achieved>0.9', /a schedule belongs to/],
    ['phase(lunch).p99<1s', /no phase lunch; it has calm, peak/],
    ['p99.99<1s', 501.3503],
    ['p9999<1s', 501.3503],
    ['p33<2ms', 1.0047],
  ]
  for (const [expression, expected] of scoped) {
    it(`${expression} judges ${expected instanceof RegExp ? 'nothing' : expected}`, () => {
      const { value, reason, passed } = judge(expression, open)
      if (expected instanceof RegExp) assert.match(reason ?? '', expected)
      else assert.ok(value !== null && Math.abs(value - expected) < 0.01, String(value))
      assert.equal(passed, !(expected instanceof RegExp))
    })
  }

  const relative: [expression: string, limit: number, passed: boolean][] = [
    ['p99<baseline', 5.0175, true],
    ['p99<=baseline*0.1', 0.50175, false],
    ['p99<baseline-4.5ms', 0.5175, false],
    ['p99<baseline+100us', 5.1175, true],
    ['throughput>=baseline*1.5', 75, true],
    ['hit_ratio>=baseline-1%', 0.94, true],
  ]
  const faster = measureRun(
    runCounts({ cells: [{ service: latencies([1, 99]) }], outcomes: [{ hits: 95, misses: 4, errors: 0 }] }),
  )
  for (const [expression, limit, passed] of relative) {
    it(`${expression} of the baseline ${passed ? 'passes' : 'fails'} at ${limit}`, () => {
      const result = judge(expression, faster, run)
      assert.ok(Math.abs(result.limit! - limit) < 0.01, String(result.limit))
      assert.equal(result.passed, passed)
    })
  }

  it('says what the baseline lacks', () => {
    assert.match(judge('get.p99<baseline', run, measureRun(runCounts())).reason!, /^baseline: nothing was/)
    assert.match(judge('p99<baseline', run).reason!, /no baseline/)
  })

  it('all fail on a run that fell short of its schedule, unless that is allowed', () => {
    const short = measureRun(
      runCounts({
        mode: 'open',
        phases: [{ offered: 1_000, unsent: 20 }],
        cells: [{ service: latencies([1, 980]), response: latencies([1, 980]) }],
      }),
    )
    const { passed, reason, value } = judge('p99<2ms', short)
    assert.deepEqual([passed, value], [false, 1.0047])
    assert.match(reason!, /98\.0 % of the 1,000 requests\/s that were due/)
    assert.equal(judge('p99<2ms', short, undefined, true).passed, true)
  })
})
