/** What a play is about: two topologies and keys that move between them, or stay. Built once for all seeds. */

import { buildRing } from '../../src/ring/build-ring.js'
import type { NodeSpec, Topology } from '../../src/ring/topology.js'
import { testTopology } from '../support/redis-servers.js'
import { bigPrefix } from './node-commands.js'
import type { World } from './world.js'

/** What is done with a key. */
export const kinds = ['register', 'counter', 'log', 'lease', bigPrefix] as const
export type Kind = (typeof kinds)[number]

export interface Scene {
  readonly before: Topology
  readonly after: Topology
  readonly nodes: readonly NodeSpec[]
  /** Kind → names. */
  readonly moving: Readonly<Record<Kind, readonly string[]>>
  readonly staying: Readonly<Record<Kind, readonly string[]>>
}

/** Few points: rings are built for every epoch of every client. */
const pointsPerWeight = 4

export const scenes: readonly Scene[] = [
  createScene([1, 1, 0], [1, 1, 1]),
  createScene([1, 1, 1], [1, 1, 0]),
  createScene([1, 1, 1], [1, 3, 1]),
  createScene([1, 1, 0], [0, 1, 1]),
  createScene([1, 0, 0], [1, 1, 0]),
]

/** The change back. */
export function reversed(scene: Scene): Scene {
  return { ...scene, before: scene.after, after: scene.before }
}

export function ownerIn(topology: Topology): (key: string) => string {
  const ring = buildRing(topology)
  return (key) => topology.nodes[ring.ownerIndex(Buffer.from(key))]!.id
}

export interface Key {
  readonly name: string
  readonly kind: Kind
  readonly first: string | null
}

export function chooseKeys(world: World, scene: Scene, count: number): Key[] {
  const chosen = new Map<string, Key>()
  while (chosen.size < count) {
    const kind = world.pick(kinds)
    const name = world.pick((count === 1 || world.chance(0.8) ? scene.moving : scene.staying)[kind])
    const first = world.chance(0.6) ? (kind === 'counter' ? '7' : 'first;') : null
    chosen.set(name, { name, kind, first })
  }
  return [...chosen.values()]
}

/** Weights of n1, n2, n3 before and after; 0: not in the ring. */
function createScene(before: readonly number[], after: readonly number[]): Scene {
  const topologies = [before, after].map((weights) =>
    testTopology(
      weights.flatMap((weight, index) => (weight > 0 ? [nodeSpec(index + 1, weight)] : [])),
      { pointsPerWeight },
    ),
  ) as [Topology, Topology]
  const owners = topologies.map(ownerIn)
  const isMoving = (key: string) => owners[0]!(key) !== owners[1]!(key)
  const named = (moves: boolean) =>
    Object.fromEntries(
      kinds.map((kind) => {
        const names = Array.from({ length: 60 }, (_, index) => `${kind}:${index}`)
        return [kind, names.filter((name) => isMoving(name) === moves).slice(0, 5)]
      }),
    ) as Record<Kind, string[]>
  const all = new Map(topologies.flatMap(({ nodes }) => nodes.map((node) => [node.id, node] as const)))
  return {
    before: topologies[0],
    after: topologies[1],
    nodes: [...all.values()],
    moving: named(true),
    staying: named(false),
  }
}

function nodeSpec(number: number, weight: number): NodeSpec {
  const port = 7000 + number
  const host = `10.0.0.${number}`
  return {
    id: `n${number}`,
    url: `redis://${host}:${port}`,
    address: { kind: 'tcp', host, port },
    db: 0,
    weight,
  }
}
