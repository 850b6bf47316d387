import assert from 'node:assert/strict'
import { foldRun } from '../../src/measure/bench-measures.js'
import { evaluateGate, parseGate } from '../../src/measure/gate.js'
import { latencies, runCounts } from '../support/run-counts.js'

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

function measures() {
  return foldRun(counts)
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
      assert.equal(evaluateGate(parseGate(expression), measures()).passed, passed)
    })
  }

  it('on a value that the run does not have fails, and says null', () => {
    assert.deepEqual(evaluateGate(parseGate('del.p99<1s'), measures()), {
      expression: 'del.p99<1s',
      value: null,
      passed: false,
    })
  })

  const mistakes: [expression: string, column: number, message: RegExp][] = [
    ['', 0, /expected one of p50/],
    ['p98<1ms', 0, /expected one of p50/],
    ['get.p98<1ms', 4, /expected one of p50/],
    ['p99', 3, /expected <, <=/],
    ['p99=1ms', 3, /expected <, <=/],
    ['p99<ms', 4, /expected a number/],
    ['p99<1', 5, /expected a unit/],
    ['p99<1%', 6, /% does not go with p99/],
    ['errors==0ms', 11, /ms does not go with errors/],
    ['p99<1ms and', 7, /expected nothing more/],
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
})
