/** COMMAND's reply as the shapes of commands (https://redis.io/docs/latest/commands/command/). */
import type { CommandShape } from '../hotkeys/key-positions.js'
import type { KeySpec } from '../hotkeys/key-specs.js'
import type { Reply } from './resp.js'

export interface CommandEntry {
  readonly shape: CommandShape
  readonly flags: ReadonlySet<string>
}

export function commandEntries(reply: Reply): CommandEntry[] {
  return listOf(reply).flatMap((item) => {
    if (!Array.isArray(item)) return []
    const [name, , flags, first, last, step, , , specs, parts] = item
    const shape = {
      ...{ name: String(name), first: Number(first), last: Number(last), step: Number(step) },
      ...(Array.isArray(specs) ? { keySpecs: specs.flatMap((spec) => toKeySpec(spec) ?? []) } : {}),
      parts: commandEntries(parts ?? null).map((part) => part.shape),
    }
    return [{ shape, flags: new Set(listOf(flags).map(String)) }]
  })
}

/** undefined: no key, or nothing that a rule can find. */
function toKeySpec(reply: Reply): KeySpec | undefined {
  const fields = fieldsOf(reply)
  if (listOf(fields.get('flags')).some((flag) => String(flag) === 'not_key')) return undefined
  const begin = beginOf(fieldsOf(fields.get('begin_search')))
  const find = findOf(fieldsOf(fields.get('find_keys')))
  return begin && find && { begin, find }
}

function beginOf(search: ReadonlyMap<string, Reply>): KeySpec['begin'] | undefined {
  const spec = fieldsOf(search.get('spec'))
  switch (String(search.get('type'))) {
    case 'index':
      return { index: Number(spec.get('index')) }
    case 'keyword':
      return { keyword: String(spec.get('keyword')).toLowerCase(), from: Number(spec.get('startfrom')) }
  }
  return undefined
}

function findOf(search: ReadonlyMap<string, Reply>): KeySpec['find'] | undefined {
  const spec = fieldsOf(search.get('spec'))
  const numberOf = (name: string) => Number(spec.get(name))
  switch (String(search.get('type'))) {
    case 'range':
      return { last: numberOf('lastkey'), step: numberOf('keystep'), limit: numberOf('limit') }
    case 'keynum':
      return { countAt: numberOf('keynumidx'), first: numberOf('firstkey'), step: numberOf('keystep') }
  }
  return undefined
}

/** RESP2's flat list of names and values. */
function fieldsOf(reply: Reply | undefined): ReadonlyMap<string, Reply> {
  const items = listOf(reply)
  const fields = new Map<string, Reply>()
  for (let index = 0; index + 1 < items.length; index += 2)
    fields.set(String(items[index]), items[index + 1] ?? null)
  return fields
}

function listOf(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : []
}
