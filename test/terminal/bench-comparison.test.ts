import assert from 'node:assert/strict'
import { stripVTControlCharacters } from 'node:util'
import type { Comparison } from '../../src/measure/comparison.js'
import { type JudgedMetric, judge, verdictOf } from '../../src/measure/comparison.js'
import { renderCompare } from '../../src/terminal/bench-comparison.js'

const row = (metric: string, moreIsBetter: boolean, estimate: number, rawPValue: number): JudgedMetric => ({
  metric,
  unit: metric === 'throughput' ? 'perSec' : 'ms',
  moreIsBetter,
  before: 100_000,
  after: 100_000 * estimate,
  change: { kind: 'ratio', estimate, interval: { low: estimate - 0.01, high: estimate + 0.01 }, rawPValue },
})

function comparison(rows: readonly JudgedMetric[], warnings: readonly string[] = []): Comparison {
  const metrics = judge(rows, { confidence: 0.95, minimumEffect: 0.05 })
  const method = [
    'Judged in some way that takes more than eighty columns to tell, so that this sentence has to be broken.',
  ]
  return {
    design: 'paired',
    method,
    minimumEffect: 0.05,
    confidence: 0.95,
    metrics,
    warnings,
    verdict: verdictOf(metrics),
  }
}

function screen(columns: number, compared: Comparison): string {
  const result = { before: 'main.json', after: 'branch.json', comparison: compared, gates: [] }
  return stripVTControlCharacters(renderCompare(result, { columns }))
}

describe('the screen of a comparison', () => {
  it('says first what became worse and better', () => {
    const text = screen(
      80,
      comparison([
        row('throughput', true, 0.9, 0.0001),
        row('p99', false, 0.8, 0.001),
        row('p50', false, 1.02, 0.0001),
      ]),
    )
    assert.match(text, /^Worse: throughput\. Better: p99\.\nbefore: main\.json, after: branch\.json\n/)
    assert.match(text, /throughput +100,000\/s +90,000\/s +−10\.0 % +−11\.0 … −9\.0 +worse/)
    assert.match(text, /p50 .* < 5 %/)
  })

  it('says that nothing changed, that it changed too little, that nothing could be judged', () => {
    assert.match(screen(80, comparison([row('p99', false, 1.2, 0.3)])), /^No significant change\.\n/)
    assert.match(
      screen(80, comparison([row('p99', false, 1.02, 0.001)])),
      /^Changed, but less than the minimum effect: p99\./,
    )
    const unjudged = comparison([{ ...row('p99', false, 1, 1), change: null }], ['too short'])
    assert.match(
      screen(80, unjudged),
      /^Nothing could be judged\.\n.*\nwarning: too short\n\nnot judged +before/,
    )
  })

  for (const columns of [80, 140]) {
    it(`fits ${columns} columns`, () => {
      const long = ['node(a-node-of-20-chars).throughput', 'throughput'].map((name) =>
        row(name, true, 0.9, 0.001),
      )
      for (const line of screen(columns, comparison(long.slice(columns === 80 ? 1 : 0))).split('\n'))
        assert.ok([...line].length <= columns, line)
    })
  }

  it('has p-values and whole verdicts where there is room', () => {
    assert.match(screen(140, comparison([row('p99', false, 1.2, 0.3)])), / 0\.30 +no significant change/)
  })
})
