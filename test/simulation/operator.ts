/** One operator's process: the real change of the ring over simulated nodes, wired as src/change-ports.ts does it. */
import { type ControlStore, operatorPrefix } from '../../src/cache/ports.js'
import { abortChange, changeRing, type OperatorPorts } from '../../src/operations/change-ring.js'
import { withFleet } from '../../src/redis/fleet.js'
import { liveMover } from '../../src/redis/movers.js'
import { withNodeKeys } from '../../src/redis/node-keys.js'
import { pinServers } from '../../src/redis/pinned-server.js'
import type { OpenConnection } from '../../src/redis/resp-connection.js'
import { serverFacts, silent } from '../support/fake-fleet.js'
import type { Scene } from './stage.js'
import type { Actor, World } from './world.js'

export interface OperatorOptions {
  readonly world: World
  readonly actor: Actor
  readonly control: ControlStore
  readonly open: OpenConnection
  readonly scene: Scene
  /** Strays lie about, and may be removed. */
  readonly dropStrays: boolean
  readonly isAbort: boolean
  /** Called before each step that the journal names. */
  readonly onStep: (step: string) => void
}

const bigKeyBytes = 2 ** 20

export async function operate(options: OperatorOptions): Promise<void> {
  const { world, actor, scene } = options
  const clock = world.clockOf(actor)
  const { signal } = new AbortController()
  // big keys under way are remembered by a node's URL in the process: simulated processes share theirs
  const accesses = scene.nodes.map((node) => ({
    node: { ...node, url: `${node.url}?${world.random.seed}-${actor.name}` },
  }))
  let now = { token: 0, replicas: 0 }
  const held = () => now
  const shared = { clock, operatorName: `${operatorPrefix}${actor.name}`, open: pinServers(options.open) }
  const moving = { mover: liveMover({ bigKeyBytes, held }), held }
  await withNodeKeys(accesses, { ...shared, signal, moving }, (keys) =>
    withFleet(accesses, shared, async (fleet) => {
      const ports: OperatorPorts = {
        facts: {
          factsOf: async (nodes) => {
            await clock.sleep(1)
            return nodes.map(({ id }) => ({ ...serverFacts(), runId: `run-of-${id}` }))
          },
        },
        fleet,
        control: options.control,
        journal: {
          record: async (step) => {
            world.note(() => `${actor.name}: ${step}`)
            options.onStep(step)
            await clock.sleep(world.chance(0.3) ? world.between(0, 60) : 0)
          },
        },
        clock,
        progress: silent,
        signal,
        keysUnder: (lease) => {
          now = lease
          return keys
        },
      }
      if (options.isAbort) await abortChange(actor.name, ports)
      else await changeRing(requestFor(options), { ...ports, confirm: async () => {}, save: async () => {} })
    }),
  )
}

function requestFor({ scene, actor, dropStrays }: OperatorOptions) {
  return {
    before: scene.before,
    after: scene.after,
    allowEviction: false,
    clients: 'follow' as const,
    dropStrays,
    lost: [],
    waitReplicas: 0,
    holder: actor.name,
    concurrency: 2,
    limits: { keysPerSec: Number.POSITIVE_INFINITY, bytesPerSec: Number.POSITIVE_INFINITY },
  }
}
