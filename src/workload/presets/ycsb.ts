/** YCSB's core workloads, from `workloads/workloada` … `workloadf` of https://github.com/brianfrankcooper/YCSB. */
import type { KeyDistribution } from '../key-distribution.js'
import { builtIn } from '../operations.js'
import type { OperationSpec, Workload } from '../workload.js'
import { presetDefaults, presetKeyCount } from './defaults.js'

/** YCSB's names of proportions → built-in operations. A record is one value, so an update writes all of it. */
const operationOf = {
  read: 'get',
  update: 'set',
  scan: 'scan:1..100',
  insert: 'insert',
  readmodifywrite: 'rmw',
} as const

/** The proportions and `requestdistribution` of the files; `fieldcount` 10 × `fieldlength` 100 of CoreWorkload. */
export const ycsbFigures = {
  a: { proportions: { read: 0.5, update: 0.5 }, distribution: 'zipfian' },
  b: { proportions: { read: 0.95, update: 0.05 }, distribution: 'zipfian' },
  c: { proportions: { read: 1 }, distribution: 'zipfian' },
  d: { proportions: { read: 0.95, insert: 0.05 }, distribution: 'latest' },
  e: { proportions: { scan: 0.95, insert: 0.05 }, distribution: 'zipfian' },
  f: { proportions: { read: 0.5, readmodifywrite: 0.5 }, distribution: 'zipfian' },
} as const satisfies Record<
  string,
  { proportions: Partial<Record<keyof typeof operationOf, number>>; distribution: 'zipfian' | 'latest' }
>

const recordBytes = 1_000
/** ZipfianGenerator.ZIPFIAN_CONSTANT. */
const theta = 0.99

type Letter = keyof typeof ycsbFigures

export const ycsbNames = Object.keys(ycsbFigures) as readonly Letter[]

const citation = [
  'YCSB core workload: Cooper, Silberstein, Tam, Ramakrishnan, Sears, "Benchmarking cloud serving systems with YCSB", SoCC 2010;',
  'https://github.com/brianfrankcooper/YCSB, Apache-2.0.',
  'A record of ten fields of 100 bytes is one value of 1,000 bytes, and an update writes it whole.',
  'The files say 1,000 records for a first try; here it is 100,000 keys.',
].join(' ')

const scanNote =
  'A scan is an MGET of 1 to 100 keys with consecutive numbers, uniform: a cache has no ordered scan.'

export function ycsbWorkload(name: string): Workload {
  const letter = name as Letter
  const { proportions, distribution } = ycsbFigures[letter]
  return {
    ...presetDefaults,
    name: `ycsb:${letter}`,
    citation: 'scan' in proportions ? `${citation} ${scanNote}` : citation,
    keys: { count: presetKeyCount },
    distribution: distributionOf(distribution),
    values: { kind: 'fixed', value: recordBytes },
    operations: Object.entries(proportions).map(toOperation),
  }
}

function distributionOf(name: 'zipfian' | 'latest'): KeyDistribution {
  return { kind: name === 'latest' ? 'latest' : 'zipf', theta }
}

function toOperation([name, proportion]: [string, number]): OperationSpec {
  return builtIn(operationOf[name as keyof typeof operationOf], proportion)
}
