/**
 * Keys that are read from copies on other nodes too (docs/cache/hot-keys.md), over the ring of their owners. The reader and
 * the writer of a cache know nothing of it.
 *
 * A copy is filled under a lease at its own node that was taken before the original was read, and lasts `copyLifeMs` as the
 * copy does: so none is older than twice that, whoever writes the original. A write reaches the owner first and then takes
 * the copies away, and with them their leases. So what is filled after that was read from the owner after the write.
 */
import { isUnreachable } from '../errors.js'
import { copyName, noHotSet } from '../hotkeys/hot-set.js'
import type { Random } from '../random.js'
import { copyLifeMs, decodeCopy, encodeCopy } from './copy-body.js'
import { withinDeadline } from './l2-deadline.js'
import { L2Decorator } from './l2-decorator.js'
import type { HotKeysPort, L2Found, L2Lease, L2Port } from './ports.js'
import { freshToken } from './token.js'

export interface SplitCopiesOptions {
  readonly hot: HotKeysPort
  /** Where copies stand, without a journal. */
  readonly copies: L2Port
  /** Of the ring as it is now: two characters, or none. */
  readonly hashTag: () => string | undefined
  readonly random: Random
  /** What a copy's node has to answer in; half of what its owner has. */
  readonly timeoutMs: number
  /** Told when a copy's node refuses. */
  readonly onError: (error: unknown) => void
}

const none: readonly Buffer[] = []

export class SplitCopies extends L2Decorator {
  private set = noHotSet
  /** By the key as latin1. */
  private salts: ReadonlyMap<string, readonly number[]> = new Map()

  constructor(
    owners: L2Port,
    private readonly options: SplitCopiesOptions,
  ) {
    super(owners)
  }

  async getOrLease(keys: readonly Buffer[], lease: L2Lease): Promise<L2Found[]> {
    // what may be kept or is waited for is told by the owner only
    if (lease.isTold || this.splitting().size === 0) return this.inner.getOrLease(keys, lease)
    const drawn = keys.map((key) => this.draw(key))
    const founds: L2Found[] = new Array(keys.length)
    const atOwner = [...keys.keys()].filter((index) => drawn[index] === undefined)
    const together = async () => {
      if (atOwner.length === 0) return
      const own = atOwner.map((index) => keys[index]!)
      const found = await this.inner.getOrLease(own, lease)
      atOwner.forEach((index, at) => {
        founds[index] = found[at]!
      })
    }
    await Promise.all([
      together(),
      ...drawn.map(async (copy, index) => {
        if (copy) founds[index] = await this.readCopy(copy, keys[index]!, lease)
      }),
    ])
    return founds
  }

  /** The copy to read, or undefined: the owner. Each of those that are up has the same chance. */
  private draw(key: Buffer): Buffer | undefined {
    const copies = this.copiesOf(key).filter((copy) => this.inner.isUp(this.inner.ownerOf(copy)))
    return copies.length === 0 ? undefined : copies[this.options.random.below(copies.length + 1)]
  }

  private async readCopy(copy: Buffer, key: Buffer, lease: L2Lease): Promise<L2Found> {
    const { copies } = this.options
    const token = freshToken()
    const found = await this.inTime(copy, copies.getOrLease([copy], { token, leaseMs: copyLifeMs }))
    const there = found?.[0]
    if (there?.kind === 'value') {
      const value = decodeCopy(there.value)
      if (value) return { kind: 'value', value, vouch: undefined }
    }
    const [original] = await this.inner.getOrLease([key], lease)
    if (there?.kind === 'leased') void this.fillCopy(copy, token, original)
    return original!
  }

  /** Of what was read from the owner under this lease; what is no value, or not in the source yet, has no copy. */
  private async fillCopy(copy: Buffer, token: string, original: L2Found | undefined): Promise<void> {
    const { copies } = this.options
    const isCopied = original?.kind === 'value' && !original.value.isPending
    const done = isCopied
      ? copies.fill(copy, { token, ...encodeCopy(original.value) })
      : copies.releaseLease(copy, token)
    await this.inTime<unknown>(copy, done)
  }

  /** Runs a write at the owners, then takes the copies away: of before, for readers of that set, and of after. */
  protected async writing<T>(keys: readonly Buffer[], write: () => Promise<T>): Promise<T> {
    const before = this.copiesOfAll(keys)
    const done = await write()
    const after = this.copiesOfAll(keys)
    if (before.length + after.length > 0) await this.removeCopies([...before, ...after])
    return done
  }

  /** A node that does not answer keeps nobody waiting: its copies end by themselves. */
  private async removeCopies(names: readonly Buffer[]): Promise<void> {
    const { copies } = this.options
    const distinct = [...new Map(names.map((name) => [name.toString('latin1'), name])).values()]
    await Promise.all(
      copies.groupByOwner(distinct).map(async (indexes) => {
        const own = indexes.map((index) => distinct[index]!)
        if (copies.isUp(copies.ownerOf(own[0]!))) await this.inTime(own[0]!, copies.remove(own))
      }),
    )
  }

  /** undefined: the copy's node did not answer in its time, and is given up, or refused. */
  private inTime<T>(copy: Buffer, request: Promise<T>): Promise<T | undefined> {
    const { copies, timeoutMs } = this.options
    const deadline = { node: copies.ownerOf(copy), timeoutMs }
    return withinDeadline(copies, deadline, request).catch((error: unknown) => {
      if (!isUnreachable(error)) this.options.onError(error)
      return undefined
    })
  }

  private copiesOfAll(keys: readonly Buffer[]): readonly Buffer[] {
    return this.splitting().size === 0 ? none : keys.flatMap((key) => this.copiesOf(key))
  }

  private copiesOf(key: Buffer): readonly Buffer[] {
    const salts = this.splitting().get(key.toString('latin1'))
    if (!salts) return none
    const tag = this.options.hashTag()
    return salts.map((salt) => copyName(key, salt, tag))
  }

  private splitting(): ReadonlyMap<string, readonly number[]> {
    const { set } = this.options.hot
    if (set !== this.set) {
      this.set = set
      this.salts = new Map(set.split.map(({ key, salts }) => [key.toString('latin1'), salts]))
    }
    return this.salts
  }
}
