/** The door `cachectl/metrics`: the figures of caches as a text that Prometheus scrapes. It needs no client library. */
import { timedParts } from '../cache/timings.js'
import {
  boundsSeconds,
  cacheMetrics,
  distinct,
  type MeasuredCache,
  statNames,
  type TimedMetric,
  timedMetrics,
} from './cache-metrics.js'
import { type Family, type Labels, prometheusFamily, prometheusLine } from './prometheus-text.js'

export type { MeasuredCache } from './cache-metrics.js'

/** The Content-Type of `prometheusText`. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

const prefix = 'cachectl_cache_'

/**
 * All figures of the caches since they were made, labelled by namespace, in text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Times are histograms in seconds, exact to 0.8 %.
 * Errors: `invalid` when two caches have one namespace.
 */
export function prometheusText(caches: MeasuredCache | readonly MeasuredCache[]): string {
  const all = distinct(caches)
  const families = new Families()
  for (const cache of all) {
    for (const stat of statNames()) {
      const { name, help, type, label, scale = 1 } = cacheMetrics[stat]
      const whole = prefix + name + (type === 'counter' ? '_total' : '')
      families.add({ name: whole, help, type }, [
        prometheusLine(whole, labelsOf(cache, label), cache.stats[stat] * scale),
      ])
    }
    for (const part of timedParts) {
      const metric = timedMetrics[part]
      const name = prefix + metric.name
      families.add({ name, help: metric.help, type: 'histogram' }, histogram(cache, part, metric))
    }
  }
  return families.text()
}

function histogram(cache: MeasuredCache, part: (typeof timedParts)[number], metric: TimedMetric): string[] {
  const boundsMs = boundsSeconds.map((bound) => bound * 1_000)
  const recorded = cache.timings.cumulative(part, boundsMs)
  if (!recorded) return []
  const name = prefix + metric.name
  const labels = labelsOf(cache, metric.label)
  const bucket = (le: string, count: number) => prometheusLine(`${name}_bucket`, { ...labels, le }, count)
  return [
    ...recorded.counts.map((count, index) => bucket(String(boundsSeconds[index]), count)),
    bucket('+Inf', recorded.count),
    prometheusLine(`${name}_sum`, labels, recorded.sumMs / 1_000),
    prometheusLine(`${name}_count`, labels, recorded.count),
  ]
}

function labelsOf({ namespace }: MeasuredCache, label: TimedMetric['label']): Labels {
  return label ? { namespace, [label[0]]: label[1] } : { namespace }
}

/** All lines of a family must stand together, whatever order they are found in. */
class Families {
  private readonly byName = new Map<string, { readonly family: Family; readonly lines: string[] }>()

  add(family: Family, lines: readonly string[]): void {
    const known = this.byName.get(family.name)
    if (known) known.lines.push(...lines)
    else this.byName.set(family.name, { family, lines: [...lines] })
  }

  text(): string {
    return [...this.byName.values()]
      .filter(({ lines }) => lines.length > 0)
      .map(({ family, lines }) => prometheusFamily(family, lines))
      .join('')
  }
}
