/** Key specifications, as COMMAND gives them since Redis 7 (https://redis.io/docs/latest/develop/reference/key-specs/). */

/** `not_key` arguments and what no rule finds (`unknown`) are left out where these are read. */
export interface KeySpec {
  readonly begin:
    | { readonly index: number }
    /** After this word, looked for from there on; a negative `from` counts from the end, and goes backwards. */
    | { readonly keyword: string; readonly from: number }
  readonly find: /** `last` counts from the first key, a negative one from the end; with a `limit` of n only the first n-th of the rest. */
    | { readonly last: number; readonly step: number; readonly limit: number }
    /** Counted from where it begins: an argument that says how many, and the first of them. */
    | { readonly countAt: number; readonly first: number; readonly step: number }
}

/** An argument that is no value, as text; empty where it is too long to be a word or a number. */
export type ReadWord = (index: number) => string

/** Indexes among `count` arguments (0 is the command's name), of one specification. */
export function findKeys({ begin, find }: KeySpec, count: number, read: ReadWord): number[] {
  const start = 'index' in begin ? begin.index : afterKeyword(begin, count, read)
  if (start <= 0 || start >= count) return []
  if ('countAt' in find) {
    const keyCount = Number(read(start + find.countAt) || Number.NaN)
    if (!Number.isInteger(keyCount) || keyCount < 0) return []
    return indexes(start + find.first, find.step, Math.min(keyCount, count), count - 1)
  }
  const { last, step, limit } = find
  let end = start + last
  if (last < 0) end = limit > 1 ? start + Math.floor((count - start) / limit) + last : count + last
  return indexes(start, step, count, Math.min(end, count - 1))
}

function afterKeyword(
  { keyword, from }: { keyword: string; from: number },
  count: number,
  read: ReadWord,
): number {
  const step = from < 0 ? -1 : 1
  for (let index = from < 0 ? count + from : from; index > 0 && index < count; index += step)
    if (read(index).toLowerCase() === keyword) return index + 1
  return 0
}

function indexes(first: number, step: number, most: number, end: number): number[] {
  const found: number[] = []
  for (let index = first; index <= end && found.length < most; index += Math.max(1, step)) found.push(index)
  return found
}
