/** How an operator carries keys: by MOVE of a live change, or by the copy that also watches the source. */
import type { MoveOutcome } from '../operations/ports.js'
import { moveBigKey } from './move-big-key.js'
import { keySizes, moveBatch } from './move-keys.js'
import { type LiveMoveOutcome, moveLive, moveLiveBig, neverExpires } from './move-live.js'
import type { Pair } from './pair.js'
import { tooFewReplicas } from './replicas.js'

export interface Mover {
  batch(pair: Pair, keys: readonly Buffer[]): Promise<MoveOutcome>
  big(pair: Pair, key: Buffer): Promise<MoveOutcome>
}

export interface MoverOptions {
  /** Keys that take more go by chunks. */
  readonly bigKeyBytes: number
  /** As it is now. */
  readonly held: () => Held
}

/** What an operator moves keys under. */
export interface Held {
  /** Of its lease; the nodes refuse any other. */
  readonly token: number
  /** So many replicas of the target must have a key before it leaves the source. */
  readonly replicas: number
}

/** Nobody writes at the source any more: docs/protocol.md §2. */
export function liveMover({ bigKeyBytes, held }: MoverOptions): Mover {
  const expiries = new Map<string, Promise<boolean>>()
  const expiresNever = (pair: Pair) => {
    const { id } = pair.source.access.node
    const asked = expiries.get(id) ?? neverExpires(pair.source)
    expiries.set(id, asked)
    return asked
  }
  return {
    batch: async (pair, keys) => {
      const move = { ...held(), bigKeyBytes, neverExpires: await expiresNever(pair) }
      return confirmed(pair, move.replicas, await moveLive(pair, keys, move))
    },
    big: async (pair, key) => confirmed(pair, held().replicas, await moveLiveBig(pair, key, held())),
  }
}

/** Clients may write where they should not: what stands at the target is compared, and conflicts are kept. */
export function watchingMover({ bigKeyBytes, held }: MoverOptions): Mover {
  return {
    batch: (pair, keys) => moveBatch(pair, keys, { ...held(), bigKeyBytes }),
    big: async (pair, key) => {
      const [bytes = 0] = await keySizes(pair.source, [key])
      return moveBigKey(pair, { ...held(), key, bytes })
    },
  }
}

function confirmed({ target }: Pair, replicas: number, outcome: LiveMoveOutcome): MoveOutcome {
  if (outcome.unconfirmed) throw tooFewReplicas(target, replicas)
  return { ...outcome, conflicts: [] }
}
