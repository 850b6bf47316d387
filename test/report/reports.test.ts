import assert from 'node:assert/strict'
import { toCsv } from '../../src/report/csv.js'
import { annotation, toGithub } from '../../src/report/github.js'
import { judgedRun } from '../../src/report/judged.js'
import { toJunit } from '../../src/report/junit.js'
import { toPrometheus } from '../../src/report/prometheus.js'
import { busyRun, resultOf } from '../support/bench-results.js'
import { runCounts, series } from '../support/run-counts.js'

const gates = ['p99<2ms', 'hit_ratio>=0.98', 'phase(<&"\'\u0007\ufffe).p99<1ms']
const result = resultOf(busyRun(), gates)

describe('a JUnit report', () => {
  it('has a test case a gate, and says what failed', () => {
    const xml = toJunit(judgedRun(result))
    assert.match(
      xml,
      /<testsuite name="cachectl bench test" skipped="0" tests="3" failures="2" errors="0" time="60\.000">/,
    )
    assert.match(xml, /<testcase classname="cachectl bench test" name="hit_ratio&gt;=0\.98"\/>/)
    assert.match(xml, /name="p99&lt;2ms">\s*<failure type="gate" message="value 5\.0\d* ms; limit 2 ms">/)
    assert.match(xml, /<system-out>30,000 requests\/s.*\n.*bottleneck: .*\nwarning: /)
  })

  it('is well-formed whatever gates and server texts are called', () => {
    const xml = toJunit(judgedRun({ ...result, topology: 'a"b', warnings: ['\u0000<x>&\ud800]]>'] }))
    assert.doesNotMatch(xml, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/)
    assert.match(xml, /phase\(&lt;&amp;&quot;&apos;\\u\{7\}\\u\{fffe\}\)/)
    assert.match(xml, /warning: \\0&lt;x&gt;&amp;\\u\{d800\}\]\]&gt;/)
    // every tag that opens is closed, in order
    const open: string[] = []
    for (const [, slash, name, , empty] of xml.matchAll(/<(\/?)([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>/g)) {
      if (slash) assert.equal(open.pop(), name)
      else if (!empty) open.push(name!)
    }
    assert.deepEqual(open, [])
  })

  it('of an interrupted run is an error, not an empty success', () => {
    const xml = toJunit(judgedRun({ ...result, gates: [], interrupted: true }))
    assert.match(xml, /tests="1" failures="0" errors="1"/)
    assert.match(xml, /<error type="interrupted"/)
  })
})

describe('GitHub annotations', () => {
  it('are an error a failed gate, a warning a warning, and one notice', () => {
    const lines = toGithub(judgedRun(result)).trimEnd().split('\n')
    assert.deepEqual(
      lines.map((line) => /^::(\w+) title=/.exec(line)?.[1]),
      ['error', 'error', ...result.warnings.map(() => 'warning'), 'notice'],
    )
    assert.match(lines[0]!, /^::error title=gate failed%3A p99<2ms::value 5\.0\d* ms; limit 2 ms$/)
    assert.match(
      lines.at(-1)!,
      /::30,000 requests\/s, response time p50 .*%0Abottleneck: .*%0A1 of 3 gates passed$/,
    )
  })

  it('let no text of others become a command', () => {
    const line = annotation('error', 'a,b:c\n::set-output', '100 %\r\n::error::x', 'second')
    assert.equal(line, '::error title=a%2Cb%3Ac\\n%3A%3Aset-output::100 %25\\r\\n::error::x%0Asecond')
  })
})

describe('CSV', () => {
  const rows = (text: string) => text.trimEnd().split('\r\n')

  it('has a row a second for the run and for each node', () => {
    const [header, ...lines] = rows(toCsv(busyRun()))
    assert.equal(lines.length, 2 * 3)
    const columns = header!.split(',')
    for (const line of lines) assert.equal(line.split(',').length, columns.length)
    const cells = (line: string) => Object.fromEntries(line.split(',').map((cell, i) => [columns[i], cell]))
    assert.deepEqual(
      [cells(lines[0]!).answered, cells(lines[0]!).node, cells(lines[0]!).p99_ms, cells(lines[0]!).evicted],
      ['900', '', '1', ''],
    )
    assert.equal(cells(lines[5]!).phase, 'a peak with a long name')
    assert.deepEqual(
      [cells(lines[5]!).node, cells(lines[5]!).evicted, cells(lines[4]!).cpu_share],
      ['n2', '1234', '0.6'],
    )
  })

  it('quotes what RFC 4180 says, and lets no name be a formula', () => {
    const names = ['=1+1', '-2', '@x', 'a,b', 'say "hi"', 'two\nlines', 'plain']
    const text = toCsv(
      runCounts({
        phases: names.map((name) => ({ name })),
        series: series({ answered: names.map(() => 1), phase: names.map((_, index) => index) }),
      }),
    )
    for (const cell of [`'=1+1`, `'-2`, `'@x`, '"a,b"', '"say ""hi"""', '"two\nlines"', 'plain'])
      assert.ok(text.includes(`,${cell},,0,1,`), cell)
  })
})

describe('Prometheus text', () => {
  const text = toPrometheus(result)
  const sample = /^([a-z_]+)(?:\{([a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/

  it('is lines of the format, each family once, with help and type before its samples', () => {
    const seen = new Set<string>()
    let current = ''
    for (const line of text.trimEnd().split('\n')) {
      const [, family] = /^# HELP (\S+) \S/.exec(line) ?? []
      if (family) {
        assert.ok(!seen.has(family), family)
        seen.add(family)
        current = family
      } else if (!line.startsWith('# TYPE ')) {
        const [, name] = sample.exec(line) ?? []
        assert.ok(name, line)
        assert.ok(name.replace(/_(?:sum|count)$/, '') === current || name === current, line)
      }
    }
    assert.ok(text.endsWith('\n'))
  })

  it('has base units, parts as labels, both clocks', () => {
    assert.match(text, /cachectl_bench_latency_seconds\{clock="response",quantile="0\.99"\} 0\.0050\d+\n/)
    assert.match(
      text,
      /cachectl_bench_op_latency_seconds\{op="get",clock="service",quantile="0\.5"\} 0\.0000\d+\n/,
    )
    assert.match(text, /cachectl_bench_node_evicted_keys\{node="n2"\} 1234\n/)
    assert.match(text, /cachectl_bench_phase_hit_ratio\{phase="calm"\} 0\.99\n/)
    assert.match(text, /cachectl_bench_gate_passed\{gate="hit_ratio>=0\.98"\} 1\n/)
    assert.match(text, /cachectl_bench_latency_seconds_count\{clock="response"\} 1800000\n/)
  })

  it('escapes labels, and leaves out what is not known', () => {
    const odd = toPrometheus({ ...result, errorKinds: { 'a"\\\n': 1 }, hitRatio: null })
    assert.ok(odd.includes('cachectl_bench_errors_by_kind{kind="a\\"\\\\\\n"} 1\n'))
    assert.doesNotMatch(odd, /cachectl_bench_hit_ratio|null|NaN/)
  })
})
