/** Watching a key of etcd. Every event is only a hint to read: so a compacted, cut or restarted stream loses nothing. */
import type { StoredState } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import type { EtcdGateway } from './etcd-gateway.js'

export interface EtcdWatch {
  readonly gateway: EtcdGateway
  /** In base64. */
  readonly key: string
  /** The state, and the store's revision when it was read. */
  read(): Promise<{ stored: StoredState | undefined; revision: string }>
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** After a stream that ended without news: neither a store that is away nor one that refuses us is asked in a tight loop. */
const retryMs = 250
/** A stream whose other end is gone says nothing: so it is not trusted for longer. */
const maxStreamMs = 25_000

export async function* watchEtcd(watch: EtcdWatch): AsyncGenerator<StoredState> {
  const { clock, signal } = watch
  let seen: string | undefined
  while (!signal.aborted) {
    const { stored, revision } = await watch.read()
    if (stored && stored.revision !== seen) {
      seen = stored.revision
      yield stored
    }
    // the revision of the read, not of the key: an old one may be compacted away long since
    if (signal.aborted || (await hasNews(watch, revision))) continue
    await clock.sleep(retryMs, signal).catch(() => undefined)
  }
}

/** Whether the key was changed after the revision; false when the stream ended for another reason. */
async function hasNews({ gateway, key, signal }: EtcdWatch, revision: string): Promise<boolean> {
  const ended = new AbortController()
  const end = () => ended.abort()
  const timer = setTimeout(end, maxStreamMs).unref()
  signal.addEventListener('abort', end)
  try {
    const create_request = { key, start_revision: String(BigInt(revision) + 1n) }
    const stream = await gateway.stream('/v3/watch', { create_request }, ended.signal)
    let text = ''
    for await (const chunk of stream ?? []) {
      text += Buffer.from(chunk).toString('latin1')
      if (text.includes('"canceled":true')) return false
      // the first line says that the watch is made; anything after it is news
      const made = text.indexOf('\n')
      if (made >= 0 && text.length > made + 1) return true
    }
    return false
  } catch {
    return false // the stream was cut or the store is away: the next read tells
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
    ended.abort()
  }
}
