/** Nodes in memory behind the ports, for the logic of operations: what is on which node, and what was asked for. */
import type {
  KeysPort,
  MoveOutcome,
  NodeFacts,
  ProgressPort,
  ServerFacts,
} from '../../src/operations/ports.js'

export const silent: ProgressPort = { update: () => {}, end: () => {} }

export interface FakeFleet extends KeysPort {
  readonly nodes: Map<string, Map<string, string>>
  /** Batches that are moved now, and the most there were. */
  readonly load: { now: number; most: number }
  /** Called before each move. */
  onMove: (batch: { source: string; target: string; keys: readonly Buffer[] }) => void | Promise<void>
}

/** `contents`: node → key → value. SCAN gives every key, and repeats the first of a node, as a real one may. */
export function fakeFleet(contents: Record<string, Record<string, string>>): FakeFleet {
  const nodes = new Map(Object.entries(contents).map(([id, keys]) => [id, new Map(Object.entries(keys))]))
  const load = { now: 0, most: 0 }
  const fleet: FakeFleet = {
    nodes,
    load,
    onMove: () => {},
    async *scan(node) {
      const keys = [...nodes.get(node)!.keys()].map((key) => Buffer.from(key))
      for (let at = 0; at < keys.length; at += 50) yield keys.slice(at, at + 50)
      if (keys.length > 0) yield keys.slice(0, 1)
    },
    async sweep() {},
    async wanted() {
      return []
    },
    moveBig: ({ key, ...move }) => fleet.move({ ...move, keys: [key] }),
    async unlink(node, keys) {
      for (const key of keys) nodes.get(node)!.delete(String(key))
    },
    async exist(node, keys) {
      return keys.map((key) => nodes.get(node)!.has(String(key)))
    },
    async move(batch) {
      load.now += 1
      load.most = Math.max(load.most, load.now)
      try {
        await fleet.onMove(batch)
        return moveKeys(nodes, batch)
      } finally {
        load.now -= 1
      }
    },
  }
  return fleet
}

function moveKeys(
  nodes: ReadonlyMap<string, Map<string, string>>,
  { source, target, keys }: { source: string; target: string; keys: readonly Buffer[] },
): MoveOutcome {
  const outcome = { movedCount: 0, movedBytes: 0, conflicts: [] as Buffer[], big: [] }
  for (const key of keys) {
    const value = nodes.get(source)!.get(String(key))
    if (value === undefined) continue
    const there = nodes.get(target)!.get(String(key))
    if (there !== undefined && there !== value) {
      outcome.conflicts.push(key)
      continue
    }
    nodes.get(target)!.set(String(key), value)
    nodes.get(source)!.delete(String(key))
    outcome.movedCount += 1
    outcome.movedBytes += value.length
  }
  return outcome
}

export function serverFacts(more: Partial<ServerFacts> = {}): NodeFacts {
  return {
    reachable: true,
    version: 'Redis 7.0.15',
    runId: `run-${Math.trunc(more.keyCount ?? 0)}`,
    role: 'master',
    keyCount: 0,
    usedMemoryBytes: 1_000_000,
    maxmemoryBytes: 0,
    evictionPolicy: 'noeviction',
    ioThreads: 1,
    appendOnly: false,
    connectedReplicas: 0,
    evictedKeys: 0,
    maxClients: 10_000,
    clockOffsetMs: 0,
    keyBytes: 100,
    ...more,
  }
}
