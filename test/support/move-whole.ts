/** MOVE of a live change for keys of any size, as an operator's pass does it: the big ones last. */
import { type LiveMove, type LiveMoveOutcome, moveLive, moveLiveBig } from '../../src/redis/move-live.js'
import type { Pair } from '../../src/redis/pair.js'

export async function moveWhole(
  pair: Pair,
  keys: readonly Buffer[],
  move: LiveMove,
): Promise<LiveMoveOutcome> {
  const total = { ...(await moveLive(pair, keys, move)) }
  for (const key of total.big) {
    const { movedCount, movedBytes } = await moveLiveBig(pair, key, move)
    total.movedCount += movedCount
    total.movedBytes += movedBytes
  }
  return { ...total, big: [] }
}
