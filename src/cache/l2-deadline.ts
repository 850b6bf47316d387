/** How long a reader waits for a node before it goes on without. */
import { isUnreachable, unreachable } from '../errors.js'
import { printable } from '../printable.js'
import type { L2Port } from './ports.js'

/**
 * The request's outcome, or `unreachable` after `timeoutMs`; a node that does not answer is given up until it does.
 * When the time is over, what has already arrived is read first: after a pause of our own the node is not to blame.
 */
export function withinDeadline<T>(
  l2: Pick<L2Port, 'giveUp'>,
  deadline: {
    readonly node: string
    readonly timeoutMs: number
    /** Takes what comes when nobody waits for it any more. */
    readonly tooLate?: (value: T) => void
  },
  request: Promise<T>,
): Promise<T> {
  const { node, timeoutMs, tooLate } = deadline
  return new Promise((resolve, reject) => {
    let isOver = false
    const fail = (error: unknown) => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      // a node that refuses is there
      if (isUnreachable(error)) l2.giveUp(node)
      reject(error)
    }
    const timer = setTimeout(
      () =>
        setImmediate(() => fail(unreachable(`node ${printable(node)}: no answer within ${timeoutMs} ms`))),
      timeoutMs,
    )
    request.then((value) => {
      if (isOver) tooLate?.(value)
      isOver = true
      clearTimeout(timer)
      resolve(value)
    }, fail)
  })
}
