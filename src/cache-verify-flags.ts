/** The flags of `cache verify`, and what they say. */

import * as Flags from '@oclif/core/flags'
import type { OutputFlags } from '@oclif/core/interfaces'
import { type CacheVerifyRequest, codecNames } from './cache-verify.js'
import { parsePercent } from './hotkeys/percent.js'
import { parseDurationMs } from './workload/duration.js'

export const cacheVerifyFlags = {
  namespace: Flags.string({ summary: "The cache's namespace.", default: 'cache' }),
  source: Flags.string({ summary: 'PostgreSQL; default: PGHOST, PGDATABASE and so on.', helpValue: 'URL' }),
  table: Flags.string({ summary: 'The table, as it is called.', required: true }),
  schema: Flags.string({ summary: "Its schema; default: the user's search_path." }),
  'key-column': Flags.string({ summary: 'The column of the keys.', default: 'key' }),
  'value-column': Flags.string({
    summary: 'The column that is the value; default: value.',
    exclusive: ['columns'],
  }),
  columns: Flags.string({ summary: 'The value is an object of these columns.', helpValue: 'A,B,…' }),
  codec: Flags.string({
    summary: "The cache's codec.",
    options: codecNames,
    default: 'json',
  }),
  keys: Flags.string({ summary: 'Look at these keys, one a line; - is standard input.', helpValue: 'FILE' }),
  sample: Flags.integer({
    summary: 'Without --keys: so many, drawn on the nodes by SCAN.',
    default: 10_000,
    min: 1,
    max: 10_000_000,
  }),
  within: Flags.string({ summary: 'How long the cache may lag behind.', default: '1s' }),
  rate: Flags.integer({ summary: 'Keys a second.', default: 500, min: 1, max: 100_000 }),
  list: Flags.integer({
    summary: 'List at most this many inconsistent keys.',
    default: 10,
    min: 0,
    max: 10_000,
  }),
  'fail-below': Flags.string({
    summary: 'Exit with 3 when a smaller share is consistent, or none could be compared.',
    helpValue: '0.9999',
  }),
}

/** Errors: `invalid`, naming the flag. */
export function cacheVerifyRequest(
  flags: OutputFlags<typeof cacheVerifyFlags>,
): Omit<CacheVerifyRequest, 'file'> {
  const gate = flags['fail-below']
  return {
    namespace: flags.namespace,
    sourceUrl: flags.source,
    table: flags.table,
    schema: flags.schema,
    keyColumn: flags['key-column'],
    valueColumn: flags['value-column'],
    columns: flags.columns?.split(','),
    codec: flags.codec,
    keysPath: flags.keys,
    sampleCount: flags.sample,
    withinMs: parseDurationMs(flags.within, '--within'),
    ratePerSec: flags.rate,
    listLimit: flags.list,
    failBelow: gate === undefined ? undefined : parsePercent(gate, '--fail-below'),
  }
}
