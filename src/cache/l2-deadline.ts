/** How long a reader waits for a node before it goes on without. */
import { unreachable } from '../errors.js'
import { printable } from '../printable.js'
import type { L2Port } from './ports.js'

/**
 * The request's outcome, or `unreachable` after `timeoutMs`; a node that fails is given up until it answers again.
 * When the time is over, what has already arrived is read first: after a pause of our own the node is not to blame.
 */
export function withinDeadline<T>(
  l2: Pick<L2Port, 'giveUp'>,
  { node, timeoutMs }: { readonly node: string; readonly timeoutMs: number },
  request: Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isOver = false
    const fail = (error: unknown) => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      l2.giveUp(node)
      reject(error)
    }
    const timer = setTimeout(
      () =>
        setImmediate(() => fail(unreachable(`node ${printable(node)}: no answer within ${timeoutMs} ms`))),
      timeoutMs,
    )
    request.then((value) => {
      isOver = true
      clearTimeout(timer)
      resolve(value)
    }, fail)
  })
}
