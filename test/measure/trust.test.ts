import assert from 'node:assert/strict'
import { foldRun } from '../../src/measure/bench-measures.js'
import { shortfalls } from '../../src/measure/trust.js'
import { latencies, type RunSketch, runCounts } from '../support/run-counts.js'

const judge = (phase: object, rest: RunSketch = {}) =>
  shortfalls(
    foldRun(runCounts({ mode: 'open', phases: [{ seconds: 10, offered: 1_000, ...phase }], ...rest })),
  )

describe('trust in a run', () => {
  it('is complete where the schedule was kept', () => {
    assert.deepEqual(judge({}), [])
    assert.deepEqual(judge({ unsent: 10 }), [])
  })

  it('fails gates below 99 % achieved: not sent and not answered both count', () => {
    const [found, ...others] = judge({ unsent: 8, unanswered: 4 })
    assert.match(found!.text, /98\.8 % of the 100 requests\/s/)
    assert.equal(found!.failsGates, true)
    assert.deepEqual(others, [])
  })

  it('tells of every touch of the in-flight bound, and fails gates above 1 % of the time', () => {
    assert.deepEqual(
      [0, 0.05, 0.2].map((heldBackSeconds) => judge({ heldBackSeconds }).map((each) => each.failsGates)),
      [[], [false], [true]],
    )
  })

  it('fails gates of a generator that sends late, not of one that was held back', () => {
    const sendLag = latencies([0.1, 90], [20, 10])
    assert.match(judge({}, { sendLag })[0]!.text, /1 % of the requests left more than 20/)
    assert.deepEqual(judge({}, { sendLag: latencies([0.1, 100], [20, 1]) }), [])
    assert.deepEqual(
      judge({ heldBackSeconds: 1 }, { sendLag }).map(({ text }) => /sent late/.test(text)),
      [false],
    )
  })

  it('is not a question in a closed loop', () => {
    assert.deepEqual(shortfalls(foldRun(runCounts({ cells: [{ service: latencies([1, 5]) }] }))), [])
  })
})
