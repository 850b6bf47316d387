/** What a filled container takes: heap and memory outside it, after full collections. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface Container {
  readonly held: object
  /** Puts entries with these numbers in. */
  fill(from: number, to: number): void
}

/** Filled with `count` entries, and after as many others have come. */
export function bytesAnEntry(
  count: number,
  create: () => Container,
): { readonly filled: number; readonly churned: number } {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = () => {
    collect()
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const emptyBytes = used()
  const container = create()
  container.fill(0, count)
  const filled = (used() - emptyBytes) / count
  container.fill(count, 2 * count)
  const churned = (used() - emptyBytes) / count
  // it must be alive until here
  if (Object.keys(container).length === 0) throw new Error('never')
  return { filled, churned }
}
