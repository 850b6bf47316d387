/** Reads a workload: YAML to value, with the files it names; or a preset by its name. */
import { basename, dirname, resolve } from 'node:path'
import { CachectlError, invalid } from '../errors.js'
import { nearest } from '../nearest-name.js'
import { printable } from '../printable.js'
import type { KeyDistribution } from '../workload/key-distribution.js'
import { builtIn } from '../workload/operations.js'
import { presetDefaults, presetKeyCount } from '../workload/presets/defaults.js'
import { loadPreset, presetNames } from '../workload/presets/load-preset.js'
import { durationOf, parseRate } from '../workload/rate-profile.js'
import type { SizeDistribution } from '../workload/size-distribution.js'
import type { TtlMix } from '../workload/ttl-mix.js'
import type { PhaseSpec, Workload } from '../workload/workload.js'
import { parseSizeHistogram } from './size-histogram.js'
import { readPopularity } from './trace-popularity.js'
import { createAttempt, toOperations } from './workload-operations.js'
import {
  knownFields,
  type PhaseFields,
  type SizeFields,
  type WorkloadFields,
  workloadSchema,
} from './workload-schema.js'
import { parseYaml, readYamlText, type YamlKind, type YamlPath, type YamlProblem } from './yaml-document.js'

const kind: YamlKind = {
  what: 'workload',
  levels: 4,
  remedy: 'docs/workloads.md describes every field; workloads/ has examples.',
  knownFields,
}

const defaultPhaseMs = 10_000

const defaults: Omit<Workload, 'name'> = {
  ...presetDefaults,
  keys: { count: presetKeyCount },
  distribution: { kind: 'uniform' },
  values: { kind: 'fixed', value: 100 },
  operations: [builtIn('get', 90), builtIn('set', 10)],
}

/** A preset's name, as in `ycsb:b`, or the path of a YAML file. Errors: `invalid`, with the nearest preset where one is near. */
export async function resolveWorkload(text: string): Promise<Workload> {
  const isPath = /[/\\]|\.ya?ml$/i.test(text)
  if (presetNames.includes(text) || (text.includes(':') && !isPath)) return loadPreset(text)
  try {
    return await loadWorkload(text)
  } catch (error) {
    if (isPath || !isMissing(error)) throw error
    const near = nearest(text, presetNames)
    throw invalid(
      `workload ${printable(text, 80)}: no preset and no file of this name${near ? `, did you mean ${near}?` : ''}`,
      'Give a preset (ycsb:b, meta:kvcache, twitter:cluster24) or the path of a YAML file; docs/workloads.md describes both.',
      error,
    )
  }
}

function isMissing(error: unknown): boolean {
  const cause = error instanceof CachectlError ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
}

/** Files that it names are looked for beside it. Errors: `invalid`, a line for each problem. */
export async function loadWorkload(path: string): Promise<Workload> {
  return parseWorkload(await readYamlText(path, path, kind.what), path)
}

/** `path` is how messages call the text, and where the files that it names are looked for. */
export async function parseWorkload(text: string, path: string): Promise<Workload> {
  const { value, fail } = parseYaml(text, path, kind, workloadSchema)
  const problems: YamlProblem[] = []
  const workload = await toWorkload(value, path, problems)
  if (problems.length > 0) fail(problems)
  return workload
}

/** With problems, what it returns is not to be used. */
async function toWorkload(fields: WorkloadFields, path: string, problems: YamlProblem[]): Promise<Workload> {
  const attempt = createAttempt(problems)
  const { preset, keys, values, operations, phases, source } = fields
  const base = preset === undefined ? undefined : attempt(['preset'], () => loadPreset(preset))
  const from = base ?? defaults
  const readText = async (at: YamlPath, file: string): Promise<string | undefined> => {
    try {
      return await readYamlText(resolve(dirname(path), file), file, 'file')
    } catch (error) {
      if (!(error instanceof CachectlError)) throw error
      problems.push({ path: at, message: error.message })
      return undefined
    }
  }
  const sizeOf = async (at: string[], given: SizeFields): Promise<SizeDistribution> => {
    if ('kind' in given) return given
    const place = [...at, 'histogram']
    const text = await readText(place, given.histogram)
    const parse = () => parseSizeHistogram(text ?? '', given.histogram)
    return (text === undefined ? undefined : attempt(place, parse)) ?? defaults.values
  }
  const measured = await popularityOf(fields, path, problems)
  const citation = base?.citation && citationOf(base.citation, fields)
  return {
    ...from,
    name: fields.name ?? basename(path).replace(/\.ya?ml$/i, ''),
    ...(citation ? { citation } : {}),
    keys: {
      ...from.keys,
      count: keys?.count ?? measured?.keyCount ?? from.keys.count,
      ...(keys?.bytes === undefined ? {} : { bytes: await sizeOf(['keys', 'bytes'], keys.bytes) }),
    },
    distribution: measured?.distribution ?? from.distribution,
    ...(values === undefined ? {} : { values: await sizeOf(['values'], values) }),
    ttl: ttlOf(fields.ttl, from.ttl),
    ...(operations ? { operations: await toOperations(operations, { problems, readText }) } : {}),
    ...(fields.fill === undefined ? {} : { fill: fields.fill }),
    ...(fields.warmup ? { warmup: fields.warmup } : {}),
    ...(phases ? { phases: toPhases(phases, problems) } : {}),
    ...(fields.gates ? { gates: fields.gates } : {}),
    ...(source ? { source: { latencyMs: source.latency, capacity: source.capacity ?? 0 } } : {}),
  }
}

/** What the file says of popularity; undefined: nothing. */
async function popularityOf(
  { distribution }: WorkloadFields,
  path: string,
  problems: YamlProblem[],
): Promise<{ distribution: KeyDistribution; keyCount?: number } | undefined> {
  if (distribution === undefined) return undefined
  if ('kind' in distribution) return { distribution }
  try {
    return await readPopularity(resolve(dirname(path), distribution.trace))
  } catch (error) {
    if (!(error instanceof CachectlError)) throw error
    problems.push({ path: ['distribution', 'trace'], message: error.message })
    return undefined
  }
}

function ttlOf(fields: WorkloadFields['ttl'], from: TtlMix): TtlMix {
  if (fields === undefined) return from
  if ('parts' in fields) return fields
  return { parts: fields.mix?.parts ?? from.parts, jitter: fields.jitter ?? from.jitter }
}

/** What a file says of its own is not the source's any more. */
function citationOf(citation: string, fields: WorkloadFields): string {
  const changed = (['keys', 'distribution', 'values', 'ttl', 'operations'] as const).filter(
    (field) => fields[field] !== undefined,
  )
  return changed.length === 0 ? citation : `${citation} Changed by the file: ${changed.join(', ')}.`
}

function toPhases(phases: readonly PhaseFields[], problems: YamlProblem[]): PhaseSpec[] {
  const attempt = createAttempt(problems)
  return phases.flatMap((phase, index) => {
    const path = (field: string) => ['phases', index, field]
    const rate = attempt(path('rate'), () =>
      parseRate(String(phase.rate ?? 'max'), phase.arrivals ?? 'uniform'),
    )
    if (phases.findIndex(({ name }) => name === phase.name) < index)
      problems.push({
        path: path('name'),
        message: `${phase.name} stands there twice, expected another name`,
      })
    if (phase.arrivals !== undefined && rate?.kind === 'max')
      problems.push({ path: path('arrivals'), message: 'expected a rate other than max beside it' })
    if (phase.duration === 0)
      problems.push({
        path: path('duration'),
        message: 'expected a time above 0: the phase would measure nothing',
      })
    if (!rate) return []
    const naturalMs = rate.kind === 'open' ? durationOf(rate) : 0
    const durationMs = phase.duration ?? (naturalMs || defaultPhaseMs)
    return [{ name: phase.name, durationMs, rate, hotShift: phase.shift ?? 0 }]
  })
}
