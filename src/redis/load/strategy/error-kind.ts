/** How a run counts what went wrong with a call of the cache. */
import { CachectlError, isUnreachable } from '../../../errors.js'

/** Few words, whatever the key or the node. */
export function errorKind(error: unknown): string {
  if (isUnreachable(error)) return 'node or source unreachable'
  if (error instanceof CachectlError) return 'load or write took too long'
  return error instanceof Error ? error.name : 'unknown'
}
