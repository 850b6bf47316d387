/** What must hold before a node is sampled. Nothing is sampled here. */
import { refused } from '../../errors.js'
import type { NodeFacts } from '../../hotkeys/node-facts.js'
import { printable } from '../../printable.js'
import { formatAddress, type NodeSpec } from '../../ring/topology.js'

const busy = 0.9

/** Errors: `refused`, with all that is wrong on all nodes; `force` goes on where the main thread is busy. */
export function preflight(
  checked: readonly { readonly node: NodeSpec; readonly facts: NodeFacts }[],
  { force, neededRights }: { readonly force: boolean; readonly neededRights: readonly string[] },
): void {
  const problems: string[] = []
  const remedies: string[] = []
  for (const { node, facts } of checked) {
    const name = `node ${node.id} (${formatAddress(node.address)})`
    const rights = neededRights.filter((right) => facts.missingRights.has(right)).join(' ')
    const user = node.username ?? 'default'
    if (rights) {
      problems.push(`${name}: user ${printable(user)} lacks ${rights}`)
      remedies.push(`On ${name}: ACL SETUSER ${printable(user)} ${rights}`)
    }
    if (!force && facts.busyShare !== undefined && facts.busyShare > busy) {
      const percent = Math.round(facts.busyShare * 100)
      problems.push(`${name}: its main thread is ${percent} % busy, and sampling would take from the rest`)
      remedies.push('Wait for a quieter time, or sample all the same with --force.')
    }
  }
  if (problems.length > 0) throw refused(problems.join('\n'), [...new Set(remedies)].join('\n'))
}
