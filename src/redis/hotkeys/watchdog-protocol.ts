/** What the sampler and its watchdog say to each other: one JSON object a line, over pipes. */
import type { NodeAccess } from '../../operations/ports.js'

export type ToWatchdog =
  /** First of all. Secrets go this way, never by arguments or environment. */
  | { readonly kind: 'nodes'; readonly accesses: readonly NodeAccess[] }
  /** The client is to be killed unless it is disarmed within `ms`. */
  | { readonly kind: 'arm'; readonly node: string; readonly client: number; readonly ms: number }
  | { readonly kind: 'disarm'; readonly node: string }

export type FromWatchdog =
  | { readonly kind: 'ready' }
  | { readonly kind: 'killed'; readonly node: string }
  | { readonly kind: 'failed'; readonly why: string }

/** Calls back with each whole line, parsed. */
export function eachMessage<T>(stream: NodeJS.ReadableStream, take: (message: T) => void): void {
  let rest = ''
  stream.on('data', (chunk: Buffer | string) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(JSON.parse(line))
  })
}

export function formatMessage(message: ToWatchdog | FromWatchdog): string {
  return `${JSON.stringify(message)}\n`
}
