/** Workloads by name: other people's benchmarks and measured production caches, each with its source. */
import { invalid } from '../../errors.js'
import { nearest } from '../../nearest-name.js'
import { printable } from '../../printable.js'
import type { Workload } from '../workload.js'
import { metaKvcache } from './meta-kvcache.js'
import { twitterClusterNames, twitterWorkload } from './twitter.js'
import { ycsbNames, ycsbWorkload } from './ycsb.js'

export interface PresetSummary {
  readonly name: string
  /** One line. */
  readonly summary: string
}

const families: Readonly<
  Record<string, { readonly names: readonly string[]; load(name: string): Workload }>
> = {
  ycsb: { names: ycsbNames, load: ycsbWorkload },
  meta: { names: ['kvcache'], load: metaKvcache },
  twitter: { names: twitterClusterNames, load: twitterWorkload },
}

/** Every name that `loadPreset` knows, `twitter:cluster5` among them, for which the source has no figures. */
export const presetNames: readonly string[] = Object.entries(families).flatMap(([family, { names }]) =>
  names.map((name) => `${family}:${name}`),
)

/** `ycsb:a` to `ycsb:f`, `meta:kvcache`, `twitter:cluster1` to `twitter:cluster54`. Errors: `invalid`, with the nearest name. */
export function loadPreset(name: string): Workload {
  const [family = '', member = ''] = name.split(':')
  const known = Object.hasOwn(families, family) ? families[family] : undefined
  if (known && presetNames.includes(name)) return known.load(member)
  const near = nearest(name, presetNames)
  throw invalid(
    `workload ${printable(name, 80)}: there is no preset of this name${near ? `, did you mean ${near}?` : ''}`,
    'Presets are ycsb:a … ycsb:f, meta:kvcache and twitter:cluster1 … twitter:cluster54; docs/workloads.md describes them.',
  )
}

/** All presets that load. */
export function listPresets(): PresetSummary[] {
  return presetNames.flatMap((name) => {
    const summary = summaryOf(name)
    return summary === undefined ? [] : [{ name, summary }]
  })
}

function summaryOf(name: string): string | undefined {
  if (name === 'twitter:cluster5') return undefined
  const { operations, keys } = loadPreset(name)
  const total = operations.reduce((sum, { weight }) => sum + weight, 0)
  const mix = operations.map((each) => `${each.name} ${percent(each.weight / total)}`).join(', ')
  return `${mix}; ${keys.count.toLocaleString('en')} keys`
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`
}
