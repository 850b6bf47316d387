/** Twitter's production cache clusters, as far as their published statistics describe them. */
import { invalid } from '../../errors.js'
import { builtIn } from '../operations.js'
import { parseTtl } from '../ttl-mix.js'
import type { OperationSpec, Workload } from '../workload.js'
import { presetDefaults, presetKeyCount } from './defaults.js'
import { clusterTable } from './twitter-clusters.js'

/** A row of the table; `-` where the source has no figure. */
export interface ClusterRow {
  readonly name: string
  readonly keyBytes: string
  readonly valueBytes: string
  /** Thousands of requests a second. */
  readonly rate: string
  readonly alpha: string
  /** `get:0.93,set:0.07`. */
  readonly operations: string
  /** `60s:0.39,1.2d:0.2`. */
  readonly ttl: string
}

export const clusterRows: readonly ClusterRow[] = clusterTable
  .trim()
  .split('\n')
  .map((line) => {
    const [name = '', keyBytes = '', valueBytes = '', rate = '', alpha = '', operations = '', ttl = ''] =
      line.split(' ')
    return { name, keyBytes, valueBytes, rate, alpha, operations, ttl }
  })

export const twitterClusterNames: readonly string[] = clusterRows.map(({ name }) => name)

/** memcached's commands → what they are here. */
export const operationOfCommand: Readonly<Record<string, 'get' | 'set' | 'del' | 'incr'>> = {
  get: 'get',
  gets: 'get',
  set: 'set',
  add: 'set',
  cas: 'set',
  replace: 'set',
  append: 'set',
  prepend: 'set',
  delete: 'del',
  incr: 'incr',
}

const citation = [
  'Juncheng Yang, Yao Yue, K. V. Rashmi, "A large scale analysis of hundreds of in-memory cache clusters at Twitter", OSDI 2020;',
  'statistics of March 2020 from https://github.com/twitter/cache-trace, CC BY 4.0.',
].join(' ')

/** Errors: `invalid` for a cluster without figures. */
export function twitterWorkload(name: string): Workload {
  const row = clusterRows.find((each) => each.name === name)
  if (!row) throw new RangeError(`no cluster ${name}`)
  const missing = Object.entries({
    'key size': row.keyBytes,
    'value size': row.valueBytes,
    operations: row.operations,
    'TTL mix': row.ttl,
  }).filter(([, text]) => text === '-')
  if (missing.length > 0)
    throw invalid(
      `workload twitter:${name}: the source gives no ${missing.map(([what]) => what).join(', ')} of this cluster`,
      'Choose another cluster; docs/workloads.md lists them.',
    )
  const theta = row.alpha === '-' ? 0 : Number(row.alpha)
  const operations = mixOf(row.operations)
  const ttl = scaled(row.ttl)
  return {
    ...presetDefaults,
    name: `twitter:${name}`,
    citation: [citation, ...notesOf(row)].join(' '),
    keys: { count: presetKeyCount, bytes: { kind: 'fixed', value: Number(row.keyBytes) } },
    distribution: theta > 0 ? { kind: 'zipf', theta } : { kind: 'uniform' },
    values: { kind: 'fixed', value: Number(row.valueBytes) },
    operations,
    ttl: parseTtl(ttl.map(([time, share]) => `${time}:${share}`).join(',')),
  }
}

function mixOf(text: string): OperationSpec[] {
  const weights = new Map<'get' | 'set' | 'del' | 'incr', number>()
  for (const [command, share] of scaled(text)) {
    const operation = operationOfCommand[command]
    if (!operation) throw new RangeError(`no operation for ${command}`)
    weights.set(operation, (weights.get(operation) ?? 0) + share)
  }
  return [...weights].map(([operation, weight]) => builtIn(operation, weight))
}

/** `a:0.5,b:0.3` with shares that add up to 1; they keep six digits, because a text is made of them again. */
function scaled(text: string): [name: string, share: number][] {
  const parts = partsOf(text)
  const total = sumOf(parts)
  return parts.map(([name, share]) => [name, Number((share / total).toFixed(6))])
}

function partsOf(text: string): [name: string, share: number][] {
  return text.split(',').map((part) => {
    const [name = '', share] = part.split(':')
    return [name, Number(share)]
  })
}

function sumOf(parts: readonly [string, number][]): number {
  return parts.reduce((sum, [, share]) => sum + share, 0)
}

function notesOf(row: ClusterRow): string[] {
  const notes = [
    `Sizes are fixed: the source gives means. The number of keys is not in the source; in production the rate was ${row.rate} k requests a second.`,
  ]
  if (row.alpha === '-') notes.push('Keys are drawn uniformly: the source gives no Zipf alpha.')
  if (Number(row.alpha) === 0) notes.push('Keys are drawn uniformly: the source gives a Zipf alpha of 0.')
  for (const [what, text] of [
    ['operations', row.operations],
    ['TTLs', row.ttl],
  ] as const) {
    const sum = sumOf(partsOf(text))
    if (Math.abs(sum - 1) > 0.005)
      notes.push(
        `The source lists the common ${what}, ${Math.round(sum * 100)} % of all; their shares are scaled to 1.`,
      )
  }
  const memcached = partsOf(row.operations).filter(
    ([name]) => !['get', 'set', 'delete', 'incr'].includes(name),
  )
  if (memcached.length > 0)
    notes.push(`${memcached.map(([name]) => name).join(', ')}: read as get or written as set.`)
  return notes
}
