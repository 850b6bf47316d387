/** The world as the search for hot keys sees it; nodes by id. */
import type { KeyFacts } from '../../hotkeys/suggestions.js'

/** Asks a node about a few keys. */
export interface DescribePort {
  /** In the order of the keys. What the user may not ask is left out; so are keys of a node that does not answer. */
  describe(node: string, keys: readonly Buffer[]): Promise<KeyFacts[]>
}
