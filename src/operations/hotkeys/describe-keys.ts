/** What the nodes say about the hottest keys: type, time to live, size, and whether they are there at all. */
import type { HotKey } from '../../hotkeys/estimate.js'
import type { KeyFacts } from '../../hotkeys/suggestions.js'
import type { DescribePort } from './ports.js'

/** More would be a scan, and a look costs a node more than a sample. */
const mostKeys = 50

/** By name; each key is asked for where it is asked for most, a node's keys in one round trip. */
export async function describeKeys(
  keys: readonly HotKey[],
  port: DescribePort,
): Promise<ReadonlyMap<string, KeyFacts>> {
  const byNode = new Map<string, string[]>()
  for (const { name, nodes } of keys.slice(0, mostKeys)) {
    const node = nodes[0]?.node
    if (node !== undefined) byNode.set(node, [...(byNode.get(node) ?? []), name])
  }
  const described = await Promise.all(
    [...byNode].map(async ([node, names]) => {
      const facts = await port.describe(
        node,
        names.map((name) => Buffer.from(name, 'latin1')),
      )
      return names.map((name, index): [string, KeyFacts] => [name, facts[index] ?? {}])
    }),
  )
  return new Map(described.flat())
}
