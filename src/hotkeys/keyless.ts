/** Commands without keys that are hot: PING at every checkout, a script that names no key. No ring spreads them. */
import { fewestSeen } from './estimate.js'
import { type Bounded, isInformative, shareOf } from './interval.js'
import type { Tally } from './tally.js'

export interface HotCommand {
  readonly node: string
  /** As the sources name it: `ping`, `script|load`. */
  readonly command: string
  /** Of the node's commands. */
  readonly share: Bounded
  readonly opsPerSec: number
}

/** Above the threshold on a node, busiest first; what was seen too seldom to tell its share is none. */
export function hotCommands(
  tallies: readonly Tally[],
  { threshold, opsPerSec }: { readonly threshold: number; readonly opsPerSec: ReadonlyMap<string, number> },
): HotCommand[] {
  const found: HotCommand[] = []
  for (const tally of tallies) {
    const { node, samples, keyless } = tally
    for (const counter of keyless.counters()) {
      if (counter.seen < fewestSeen || counter.seen < samples * threshold) continue
      const share = shareOf(counter, tally)
      if (isInformative(share))
        found.push({
          node,
          command: counter.name,
          share,
          opsPerSec: share.value * (opsPerSec.get(node) ?? 0),
        })
    }
  }
  return found.sort((a, b) => b.opsPerSec - a.opsPerSec || b.share.value - a.share.value)
}
