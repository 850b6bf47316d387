/** A second tier around another: everything is passed on, and all that changes a key goes through `writing`. */
import type { JournalPort } from './journal-port.js'
import type { L2Found, L2Port } from './ports.js'

/** A method's arguments. */
export type Of<K extends keyof L2Port> = Parameters<L2Port[K]>

export abstract class L2Decorator implements L2Port {
  constructor(protected readonly inner: L2Port) {}

  abstract getOrLease(...[keys, lease]: Of<'getOrLease'>): Promise<L2Found[]>

  /** Runs a write of these keys at the tier inside. */
  protected abstract writing<T>(keys: readonly Buffer[], write: () => Promise<T>): Promise<T>

  /** The journal of the same keys, which puts its values past the second tier. */
  journal(journal: JournalPort): JournalPort {
    const view: JournalPort = Object.create(journal)
    view.put = (key, put) => this.writing([key], () => journal.put(key, put))
    return view
  }

  fill(...[key, fill]: Of<'fill'>) {
    return this.writing([key], () => this.inner.fill(key, fill))
  }

  refill(...[key, fill]: Of<'refill'>) {
    return this.writing([key], () => this.inner.refill(key, fill))
  }

  put(...[key, fill]: Of<'put'>) {
    return this.writing([key], () => this.inner.put(key, fill))
  }

  update(...[key, fill]: Of<'update'>) {
    return this.writing([key], () => this.inner.update(key, fill))
  }

  remove(...[keys]: Of<'remove'>) {
    return this.writing(keys, () => this.inner.remove(keys))
  }

  mark(...[key, lease]: Of<'mark'>) {
    return this.writing([key], () => this.inner.mark(key, lease))
  }

  unmark(...[key, token]: Of<'unmark'>) {
    return this.writing([key], () => this.inner.unmark(key, token))
  }

  listen(...[prefix, onInvalidate]: Of<'listen'>) {
    return this.inner.listen(prefix, onInvalidate)
  }

  ownerOf(...[key]: Of<'ownerOf'>) {
    return this.inner.ownerOf(key)
  }

  groupByOwner(...[keys]: Of<'groupByOwner'>) {
    return this.inner.groupByOwner(keys)
  }

  isUp(...[node]: Of<'isUp'>) {
    return this.inner.isUp(node)
  }

  giveUp(...[node]: Of<'giveUp'>) {
    this.inner.giveUp(node)
  }

  keepLease(...[key, lease]: Of<'keepLease'>) {
    return this.inner.keepLease(key, lease)
  }

  releaseLease(...[key, token]: Of<'releaseLease'>) {
    return this.inner.releaseLease(key, token)
  }

  startRefresh(...[key, refresh]: Of<'startRefresh'>) {
    return this.inner.startRefresh(key, refresh)
  }

  touch(...[key, life]: Of<'touch'>) {
    return this.inner.touch(key, life)
  }

  tagVersions(...[tags]: Of<'tagVersions'>) {
    return this.inner.tagVersions(tags)
  }

  invalidateTag(...[tag]: Of<'invalidateTag'>) {
    return this.inner.invalidateTag(tag)
  }
}
