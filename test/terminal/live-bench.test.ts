import assert from 'node:assert/strict'
import { blankSeries } from '../../src/measure/series.js'
import { renderLive } from '../../src/terminal/live-bench.js'
import { series } from '../support/run-counts.js'

const run = series({
  answered: [100, 98_000, 99_000],
  hits: [100, 90_000, 90_000],
  misses: [0, 0, 900],
  errors: [0, 2, 0],
  p99Ms: [0, 4, 2],
})

describe('the live line', () => {
  it('has the last second, all errors and a chart of p99 from 0 on', () => {
    assert.equal(renderLive(run, 100), '3 s  99,000/s  hits 0.9901  2 errors  p99 2.00 ms ▁█▅')
  })

  it('takes a shorter second for what it is', () => {
    const short = { ...run, atSec: [1, 2, 2.5] }
    assert.match(renderLive(short, 100), /^3 s {2}198,000\/s/)
  })

  it('never is longer than the terminal, and shows the latest seconds', () => {
    const long = series({
      answered: Array.from({ length: 500 }, () => 1),
      p99Ms: Array.from({ length: 500 }, (_, i) => i),
    })
    for (const columns of [0, 10, 30, 40, 80, 300])
      assert.ok([...renderLive(long, columns)].length <= columns)
    assert.equal([...renderLive(long, 300)].at(-1), '█')
  })

  it('is empty before the first second is over', () => {
    assert.equal(renderLive(blankSeries(), 80), '')
  })
})
