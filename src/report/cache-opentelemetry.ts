/**
 * The door `cachectl/opentelemetry`: the figures of a cache as instruments of a meter that the application gives. Only
 * types of `@opentelemetry/api` are used, an optional peer: nothing of it is loaded here.
 */
import type { Attributes, Histogram, Meter, Observable } from '@opentelemetry/api'
import type { TimedPart } from '../cache/timings.js'
import {
  boundsSeconds,
  cacheMetrics,
  distinct,
  type MeasuredCache,
  statNames,
  timedMetrics,
} from './cache-metrics.js'

export type { MeasuredCache } from './cache-metrics.js'

const prefix = 'cachectl.cache.'

/**
 * Reports the caches until the result is called: counters and gauges when the meter collects, times as they happen, in
 * seconds. Attributes: `cachectl.cache.namespace`, and of reads `cachectl.cache.outcome`. Of the hits in L1 one in 1,024 is
 * timed. Errors: `invalid` when two caches have one namespace.
 */
export function instrument(caches: MeasuredCache | readonly MeasuredCache[], meter: Meter): () => void {
  const all = distinct(caches)
  const observed = new Map<string, Observable>()
  for (const stat of statNames()) {
    const { name, help, type, unit } = cacheMetrics[stat]
    if (observed.has(name)) continue
    const options = { description: help, ...(unit ? { unit } : {}) }
    const instrumentName = nameOf(name)
    observed.set(
      name,
      type === 'counter'
        ? meter.createObservableCounter(instrumentName, options)
        : meter.createObservableGauge(instrumentName, options),
    )
  }
  const observe: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    for (const cache of all) {
      for (const stat of statNames()) {
        const { name, label, scale = 1 } = cacheMetrics[stat]
        result.observe(observed.get(name)!, cache.stats[stat] * scale, attributesOf(cache, label))
      }
    }
  }
  const observables = [...observed.values()]
  meter.addBatchObservableCallback(observe, observables)
  const histograms = timersOf(meter)
  const endings = all.map((cache) =>
    cache.timings.listen((part, ms) => {
      histograms(part).record(ms / 1_000, attributesOf(cache, timedMetrics[part].label))
    }),
  )
  return () => {
    meter.removeBatchObservableCallback(observe, observables)
    for (const end of endings) end()
  }
}

function timersOf(meter: Meter): (part: TimedPart) => Histogram {
  const byName = new Map<string, Histogram>()
  return (part) => {
    const { name, help } = timedMetrics[part]
    const known = byName.get(name)
    if (known) return known
    const histogram = meter.createHistogram(nameOf(name), {
      ...{ description: help, unit: 's' },
      advice: { explicitBucketBoundaries: boundsSeconds },
    })
    byName.set(name, histogram)
    return histogram
  }
}

/** The unit is no part of a name there. */
function nameOf(name: string): string {
  return prefix + name.replace(/_seconds$/, '')
}

function attributesOf(
  { namespace }: MeasuredCache,
  label: readonly [string, string] | undefined,
): Attributes {
  const attributes = { [`${prefix}namespace`]: namespace }
  return label ? { ...attributes, [prefix + label[0]]: label[1] } : attributes
}
