/** A cache's figures as Prometheus and OpenTelemetry see them. */
import assert from 'node:assert/strict'
import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { type Cache, TieredCache } from '../../src/cache/cache.js'
import { settingsOf } from '../../src/cache/options.js'
import { timedParts } from '../../src/cache/timings.js'
import type { Clock } from '../../src/clock.js'
import { createRandom } from '../../src/random.js'
import { statNames } from '../../src/report/cache-metrics.js'
import { instrument } from '../../src/report/cache-opentelemetry.js'
import { prometheusText } from '../../src/report/cache-prometheus.js'

/** A cache in memory whose loader takes `loadMs` of a clock that stands still otherwise. */
function open(namespace: string, loadMs = 20): Cache<string> {
  let nowMs = 1_000
  const clock: Clock = { nowMs: () => nowMs, wallMs: () => nowMs, sleep: () => Promise.resolve() }
  return new TieredCache<string>(
    settingsOf<string>({
      namespace,
      ttl: '1m',
      load: (key) => {
        nowMs += loadMs
        if (key === 'bad') throw new Error('no such row')
        return key
      },
    }),
    { clock, l2: undefined, random: createRandom(1) },
  )
}

async function use(cache: Cache<string>): Promise<void> {
  for (const key of ['a', 'b', 'a', 'a']) await cache.get(key)
  await Promise.all([cache.get('c'), cache.get('c')])
  await assert.rejects(cache.get('bad'), /no such row/)
  await cache.set('a', 'new')
  await cache.invalidate('a')
}

describe('Prometheus text of a cache', () => {
  it('has every figure once, with a TYPE before it, and histograms that add up', async () => {
    const cache = open('a"b\\c')
    await use(cache)
    const text = prometheusText(cache)
    const { types, samples } = parse(text)
    const label = 'namespace="a\\"b\\\\c"'
    assert.equal(samples.get(`cachectl_cache_reads_total{${label},outcome="l1"}`), 2)
    assert.equal(samples.get(`cachectl_cache_reads_total{${label},outcome="miss"}`), 3)
    assert.equal(samples.get(`cachectl_cache_reads_total{${label},outcome="shared"}`), 1)
    assert.equal(samples.get(`cachectl_cache_gets_total{${label}}`), 7)
    assert.equal(samples.get(`cachectl_cache_load_errors_total{${label}}`), 1)
    assert.equal(types.get('cachectl_cache_behind_lag_seconds'), 'gauge')
    assert.equal(types.get('cachectl_cache_read_seconds'), 'histogram')
    const miss = `{${label},outcome="miss"`
    assert.equal(samples.get(`cachectl_cache_read_seconds_bucket${miss},le="0.01"}`), 0)
    assert.equal(samples.get(`cachectl_cache_read_seconds_bucket${miss},le="0.025"}`), 3)
    assert.equal(samples.get(`cachectl_cache_read_seconds_bucket${miss},le="+Inf"}`), 3)
    assert.equal(samples.get(`cachectl_cache_read_seconds_count${miss}}`), 3)
    assert.ok(Math.abs(samples.get(`cachectl_cache_read_seconds_sum${miss}}`)! - 0.06) < 1e-9)
    assert.equal(samples.get(`cachectl_cache_load_seconds_count{${label}}`), 4)
    assert.equal(samples.get(`cachectl_cache_set_seconds_count{${label}}`), 1)
    assert.doesNotMatch(text, /no such row|"bad"/)
    await cache.close()
  })

  it('keeps the lines of a family together over several caches, and refuses two of one name', async () => {
    const caches = [open('one'), open('two')]
    for (const cache of caches) await use(cache)
    const { samples } = parse(prometheusText(caches))
    assert.equal(samples.get('cachectl_cache_gets_total{namespace="two"}'), 7)
    assert.throws(() => prometheusText([open('one'), open('one')]), /two caches are called one/)
  })

  it('times one in 1,024 hits in L1', async () => {
    const cache = open('sampled')
    for (let read = 0; read < 2_050; read++) await cache.get('a')
    assert.equal(cache.stats.l1Hits, 2_049)
    assert.equal(cache.timings.summary('l1').count, 2)
    assert.equal(cache.timings.summary('miss').count, 1)
    assert.ok(Math.abs(cache.timings.summary('miss').p99Ms - 20) < 0.2)
  })
})

describe('OpenTelemetry instruments of a cache', () => {
  it('report what the counters and timings say, until they are ended', async () => {
    const cache = open('shop')
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
    const provider = new MeterProvider({ readers: [reader] })
    const end = instrument(cache, provider.getMeter('test'))
    await use(cache)
    await reader.forceFlush()
    const collected = exporter.getMetrics()[0]!.scopeMetrics[0]!.metrics
    const points = (name: string) => collected.find(({ descriptor }) => descriptor.name === name)!
    const reads = points('cachectl.cache.reads')
    assert.equal(reads.dataPointType, DataPointType.SUM)
    const byOutcome = new Map(
      reads.dataPoints.map(({ attributes, value }) => [attributes['cachectl.cache.outcome'], value]),
    )
    assert.deepEqual(
      [...byOutcome],
      [
        ...[
          ['l1', 2],
          ['l2', 0],
          ['stale', 0],
          ['shared', 1],
          ['miss', 3],
        ],
      ],
    )
    const times = points('cachectl.cache.read')
    assert.equal(times.descriptor.unit, 's')
    const miss = times.dataPoints.find(({ attributes }) => attributes['cachectl.cache.outcome'] === 'miss')!
    assert.equal(miss.attributes['cachectl.cache.namespace'], 'shop')
    assert.ok(typeof miss.value === 'object' && 'count' in miss.value && miss.value.count === 3)
    assert.equal(points('cachectl.cache.behind_lag').descriptor.unit, 's')
    end()
    exporter.reset()
    await cache.get('d')
    await reader.forceFlush()
    const later = exporter.getMetrics()[0]?.scopeMetrics[0]?.metrics ?? []
    const loads = later.find(({ descriptor }) => descriptor.name === 'cachectl.cache.load')
    assert.ok(!loads || loads.dataPoints.every(({ value }) => typeof value === 'object' && value.count === 4))
    await provider.shutdown()
  })

  it('cost nothing and fail nowhere without an SDK', async () => {
    const cache = open('quiet')
    const end = instrument(cache, metrics.getMeter('none'))
    await use(cache)
    end()
  })

  it('name all there is', () => {
    assert.deepEqual([...statNames()].sort(), Object.keys(open('all').stats).sort())
    assert.equal(new Set(timedParts).size, timedParts.length)
  })
})

/** Strict about what the format demands: HELP and TYPE once, before the lines of their family, which stand together. */
function parse(text: string): { types: Map<string, string>; samples: Map<string, number> } {
  const types = new Map<string, string>()
  const samples = new Map<string, number>()
  let family = ''
  assert.ok(text.endsWith('\n'))
  for (const line of text.slice(0, -1).split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? []
    if (name && type) {
      assert.ok(!types.has(name), line)
      types.set(name, type)
      family = name
    } else if (!line.startsWith('# HELP ')) {
      const [, series, value] = /^([a-z_0-9]+\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)*\}) (\S+)$/.exec(line) ?? []
      assert.ok(series && value, line)
      assert.ok(series.startsWith(family), `${line} stands under ${family}`)
      assert.ok(!samples.has(series), line)
      samples.set(series, Number(value))
    }
  }
  return { types, samples }
}
