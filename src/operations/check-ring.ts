/** Compares what the nodes hold with what the ring says: drift, and keys that lie on several nodes. */
import type { Ring } from '../ring/ring.js'
import type { KeysPort, ProgressPort } from './ports.js'

export interface MisplacedKey {
  readonly key: Buffer
  readonly node: string
  readonly owner: string
  /** The owner has it as well. */
  readonly alsoOnOwner: boolean
}

export interface CheckResult {
  readonly keyCount: number
  readonly misplacedCount: number
  /** Keys on more than one node. */
  readonly duplicateCount: number
  /** The first ones found. */
  readonly misplaced: readonly MisplacedKey[]
  readonly nodes: Readonly<Record<string, { readonly keyCount: number; readonly misplacedCount: number }>>
}

export interface CheckOptions {
  readonly ring: Ring
  readonly keys: KeysPort
  readonly progress: ProgressPort
  readonly signal: AbortSignal
  readonly listLimit: number
}

/** Memory grows with the misplaced keys only, never with the keyspace. */
export async function checkRing(options: CheckOptions): Promise<CheckResult> {
  const { ring } = options
  const totals = {
    keyCount: 0,
    misplacedCount: 0,
    misplaced: [] as MisplacedKey[],
    duplicates: new Set<string>(),
    seen: new Set<string>(),
  }
  const nodes: Record<string, { keyCount: number; misplacedCount: number }> = {}
  for (const { id } of ring.topology.nodes) nodes[id] = { keyCount: 0, misplacedCount: 0 }
  try {
    await Promise.all(
      ring.topology.nodes.map(({ id }) => checkNode(options, id, { totals, own: nodes[id]! })),
    )
  } finally {
    options.progress.end()
  }
  options.signal.throwIfAborted()
  const { keyCount, misplacedCount, misplaced, duplicates } = totals
  return { keyCount, misplacedCount, duplicateCount: duplicates.size, misplaced, nodes }
}

interface CheckState {
  readonly totals: {
    keyCount: number
    misplacedCount: number
    readonly misplaced: MisplacedKey[]
    readonly duplicates: Set<string>
    /** Misplaced keys of all nodes: one that comes twice lies on two wrong nodes. */
    readonly seen: Set<string>
  }
  readonly own: { keyCount: number; misplacedCount: number }
}

async function checkNode(options: CheckOptions, node: string, { totals, own }: CheckState): Promise<void> {
  const { ring, keys, progress, signal } = options
  // SCAN may yield a key twice: only a misplaced one must be recognized again
  const here = new Set<string>()
  for await (const batch of keys.scan(node)) {
    if (signal.aborted) return
    own.keyCount += batch.length
    totals.keyCount += batch.length
    const strays = new Map<string, Buffer[]>()
    for (const key of batch) {
      const owner = ring.topology.nodes[ring.ownerIndex(key)]!.id
      if (owner === node || here.has(key.toString('latin1'))) continue
      here.add(key.toString('latin1'))
      strays.set(owner, [...(strays.get(owner) ?? []), key])
    }
    for (const [owner, found] of strays) {
      const onOwner = await keys.exist(owner, found)
      found.forEach((key, index) => {
        const name = key.toString('latin1')
        own.misplacedCount += 1
        totals.misplacedCount += 1
        if (onOwner[index] || totals.seen.has(name)) totals.duplicates.add(name)
        totals.seen.add(name)
        if (totals.misplaced.length < options.listLimit) {
          totals.misplaced.push({ key, node, owner, alsoOnOwner: onOwner[index] === true })
        }
      })
    }
    progress.update(
      `checked ${totals.keyCount.toLocaleString('en')} keys, ${totals.misplacedCount.toLocaleString('en')} misplaced`,
    )
  }
}
