/**
 * What the first line says about a trace's columns. Twitter's traces (https://github.com/twitter/cache-trace) have no
 * header; ours have the same columns with one; CacheLib's (https://cachelib.org, cachebench's KV replay) have their own
 * names, in an order that changed over the years.
 */
import { traceOperations } from '../workload/request-source.js'

export const traceHeader = 'time,key,key_size,value_size,client,op,ttl'

export type ColumnRole = 'time' | 'key' | 'key_size' | 'value_size' | 'op' | 'op_count' | 'ttl' | 'other'

export interface TraceLayout {
  /** By position. */
  readonly roles: readonly ColumnRole[]
  /** As in the file, for messages. */
  readonly columns: readonly string[]
  readonly hasHeader: boolean
}

const rolesByName: Readonly<Record<string, ColumnRole>> = {
  time: 'time',
  op_time: 'time',
  key: 'key',
  key_size: 'key_size',
  value_size: 'value_size',
  size: 'value_size',
  client: 'other',
  op: 'op',
  op_count: 'op_count',
  ttl: 'ttl',
  cache_hits: 'other',
  usecase: 'other',
  sub_usecase: 'other',
}

const [get, set, del] = ['get', 'set', 'del'].map((name) =>
  traceOperations.findIndex((each) => each.name === name),
) as [number, number, number]

/**
 * In upper or lower case. The first eleven are Twitter's (memcached's), the others CacheLib's; a lease is a get or a set
 * with a token, which cachebench replays as the plain one too.
 */
export const operationsByName: Readonly<Record<string, number>> = {
  get,
  gets: get,
  set,
  add: set,
  replace: set,
  cas: set,
  append: set,
  prepend: set,
  incr: set,
  decr: set,
  delete: del,
  del,
  get_lease: get,
  set_lease: set,
}

/**
 * A header is a line with the columns `key` and `op` in it, in any order and beside any others. undefined: neither a
 * known header nor as many columns as Twitter's.
 */
export function detectLayout(firstLine: string): TraceLayout | undefined {
  const columns = firstLine.split(',').map((name) => name.trim().toLowerCase())
  if (columns.includes('key') && columns.includes('op')) {
    const roles = columns.map((name) => rolesByName[name] ?? 'other')
    return hasRepeats(roles) ? undefined : { roles, columns, hasHeader: true }
  }
  const ours = traceHeader.split(',')
  const isRow = columns.length >= ours.length && /^\d/.test(firstLine)
  return isRow
    ? { roles: ours.map((name) => rolesByName[name]!), columns: ours, hasHeader: false }
    : undefined
}

function hasRepeats(roles: readonly ColumnRole[]): boolean {
  const named = roles.filter((role) => role !== 'other')
  return new Set(named).size < named.length
}
