/** What must be true when all is over: of every key's history, and of what lies where. */
import type { RingState } from '../../src/ring/epoch.js'
import { type Effect, isLinearizable, type Operation } from '../support/linearizable.js'
import type { Seen } from './client.js'
import type { FakeNode } from './node.js'
import { type Key, ownerIn } from './stage.js'

const ownPrefix = '__cachectl:'

export interface Outcome {
  readonly nodes: ReadonlyMap<string, FakeNode>
  readonly keys: readonly Key[]
  readonly history: readonly Seen[]
  readonly state: RingState
  readonly endMs: number
}

/** Empty: every promise was kept. */
export function problemsOf(outcome: Outcome): string[] {
  const owner = ownerIn(outcome.state.before)
  const problems: string[] = []
  if (outcome.state.phase !== 'stable') problems.push(`the ring is in ${outcome.state.phase}`)
  for (const [id, node] of outcome.nodes) {
    for (const key of node.keys()) {
      if (key.startsWith(`${ownPrefix}mv:`)) problems.push(`${id} keeps a half-made copy: ${key}`)
      if (!key.startsWith(ownPrefix) && owner(key) !== id)
        problems.push(`${key} lies on ${id}, not on ${owner(key)}`)
    }
  }
  for (const { name, first } of outcome.keys) {
    const history = historyOf(name, outcome.history)
    const answer = outcome.nodes.get(owner(name))!.text(name) ?? null
    const end = {
      called: outcome.endMs,
      returned: outcome.endMs + 1,
      effect: { kind: 'get' as const, answer },
    }
    if (isLinearizable([...history, end], first)) continue
    problems.push(`${name} (first ${first}, at the end ${answer}) is not linearizable:\n${describe(history)}`)
  }
  return problems
}

/** With the moments at which keys expire: from the call plus its time to the return plus its time. */
function historyOf(name: string, all: readonly Seen[]): Operation[] {
  return all
    .filter(({ key }) => key === name)
    .flatMap(({ effect, called, returned, ttlMs }): Operation[] => {
      const operation = { effect, called, returned }
      if (ttlMs === undefined || effect.kind !== 'set') return [operation]
      const expiry: Effect = { kind: 'expire', head: effect.value }
      return [operation, { effect: expiry, called: called + ttlMs, returned: returned + ttlMs + 0.001 }]
    })
}

function describe(history: readonly Operation[]): string {
  return [...history]
    .sort((a, b) => a.called - b.called)
    .map(
      ({ called, returned, effect }) =>
        `  ${called.toFixed(3).padStart(10)} … ${returned.toFixed(3).padStart(10)}  ${JSON.stringify(effect)}`,
    )
    .join('\n')
}
