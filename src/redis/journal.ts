/** Write-behind's journals over the cache's ring: what touches a value runs where its key is now, the rest at its node. */
import type {
  Claim,
  JournalPort,
  JournalPut,
  JournalState,
  PendingEntry,
  PutOutcome,
  Retry,
} from '../cache/journal-port.js'
import type { L2Port } from '../cache/ports.js'
import { refused } from '../errors.js'
import { printable } from '../printable.js'
import type { CacheRing } from './cache-ring.js'
import { SeveralOwnersError } from './command-router.js'
import { JournalCopies } from './journal-copies.js'
import * as scripts from './journal-scripts.js'
import { type CommandPart, type Reply, ReplyError } from './resp.js'
import { runOn, type Script, scriptOf } from './script.js'

const maxClaimBytes = 8 * 2 ** 20
const maxErrorBytes = 1_000
const pageKeys = 1_000
/** A copy is looked at when its entry should have been written, and again after so long: longer than a claim holds. */
const copyGraceMs = 6_000

export class RedisJournal implements JournalPort {
  /** Nodes whose settings keep what has no expiry. */
  private readonly keeping = new Set<string>()
  /** The largest number seen on any node: what comes after it in time gets a larger one, whatever the nodes' clocks say. */
  private latestSeq = 0n
  private readonly copies: JournalCopies | undefined

  constructor(
    private readonly cache: CacheRing,
    private readonly namespace: string,
    copies: 1 | 2 = 1,
  ) {
    this.copies = copies === 2 ? new JournalCopies(cache, namespace) : undefined
  }

  nodes(): readonly string[] {
    return this.cache.ring.nodeIds
  }

  placement(): string {
    return [this.cache.ring.epoch, ...this.nodes()].join(' ')
  }

  ownerOf(key: Buffer): string {
    return this.cache.ownerOf(key)
  }

  async requireKeeping(node: string): Promise<void> {
    if (this.keeping.has(node)) return
    const connection = await this.cache.ring.connectionTo(node)
    const info = String(await connection.call('INFO', 'memory'))
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? ''
    if (policy.startsWith('allkeys-')) {
      throw refused(
        `node ${printable(node)} evicts any key (maxmemory-policy ${printable(policy)}): write-behind would lose what it has acknowledged`,
        'Set its maxmemory-policy to noeviction, or to volatile-lru and kin, which evict only what expires.',
      )
    }
    this.keeping.add(node)
  }

  async put(key: Buffer, { body, ttlMs, delayMs, maxPending }: JournalPut): Promise<PutOutcome> {
    const args = [this.namespace, body, ttlText(ttlMs), delayMs, maxPending, String(this.latestSeq)]
    const answer = await this.cache.ask(put, [key], args)
    const node = answer.connection?.access.node.id ?? this.ownerOf(key)
    const { reply } = answer
    if (reply instanceof ReplyError) {
      // a full server is like a full journal: it has room again when something has been written and expires
      const isFull = reply.code === scripts.fullCode || reply.message.includes('OOM command not allowed')
      if (!isFull) throw this.cache.failure(put, key, reply, answer)
      return { kind: 'full', node }
    }
    const [number, atMs] = listOf(reply)
    const seq = BigInt(String(number))
    this.see(seq)
    if (this.copies) {
      const record = Buffer.concat([Buffer.from(`${seqText(seq)}00${ttlText(ttlMs)}`), body])
      await this.copies.put(key, node, { record, graceMs: delayMs + copyGraceMs })
    }
    return { kind: 'put', seq, node, atMs: Math.max(Number(atMs), Number(seq / 1000n)) }
  }

  /** The ring as a cache with this journal sees it: nothing that waits for the source is missed, or dropped. */
  over(): L2Port {
    const view: CacheRing = Object.create(this.cache)
    view.getOrLease = (keys, lease) => this.cache.find(getOrLease, keys, lease, [this.namespace])
    view.remove = (keys) => this.invalidate(keys)
    return view
  }

  async invalidate(keys: readonly Buffer[]): Promise<void> {
    await this.onOwners(keys, (own) => this.cache.run(invalidate, own, [this.namespace]))
  }

  async claim(
    node: string,
    {
      count,
      leaseMs,
      earlyMs,
    }: { readonly count: number; readonly leaseMs: number; readonly earlyMs: number },
  ): Promise<Claim> {
    const reply = await this.at(node, claim, [count, leaseMs, earlyMs, maxClaimBytes])
    const [token, pending, oldest, now, nextDue, ...rest] = reply
    const entries: PendingEntry[] = []
    for (let at = 0; at + 1 < rest.length; at += 2)
      entries.push(entryOf(rest[at] as Buffer, rest[at + 1] as Buffer))
    for (const { seq } of entries) this.see(seq)
    return {
      ...stateOf(pending, oldest, now),
      entries,
      token: String(token),
      nextDueMs: Number(nextDue) < 0 ? Number.POSITIVE_INFINITY : Number(nextDue),
    }
  }

  async renew(
    node: string,
    {
      token,
      keys,
      leaseMs,
    }: { readonly token: string; readonly keys: readonly Buffer[]; readonly leaseMs: number },
  ): Promise<string> {
    return String(await this.one(node, renew, [token, leaseMs, ...keys]))
  }

  async settle(node: string, token: string, entries: readonly PendingEntry[]): Promise<number> {
    const byKey = new Map(entries.map((entry) => [entry.key, entry]))
    const elsewhere: PendingEntry[] = []
    let settled = 0
    const keys = entries.map(({ key }) => key)
    await this.onOwners(keys, async (own) => {
      const those = own.map((key) => byKey.get(key)!)
      const args = those.flatMap(({ seq, ttlMs }) => [seqText(seq), ttlMs])
      const { reply } = await this.cache.run(settle, own, [this.namespace, token, ...args])
      listOf(reply).forEach((outcome, index) => {
        if (outcome === 1) settled += 1
        else if (outcome === 3) elsewhere.push(those[index]!)
      })
    })
    if (elsewhere.length > 0) {
      const args = elsewhere.flatMap(({ key, seq }) => [key, seqText(seq)])
      const outcomes = await this.at(node, release, [token, ...args])
      settled += outcomes.filter((outcome) => outcome === 1).length
    }
    await this.copies?.remove(entries.map(({ key, seq }) => ({ key, seq: seqText(seq) })))
    return settled
  }

  async retry(node: string, token: string, retries: readonly Retry[]): Promise<void> {
    const args = retries.flatMap(({ key, seq, delayMs, isCounted }) => [
      key,
      ...[seqText(seq), Math.round(delayMs), isCounted ? 1 : 0],
    ])
    await this.one(node, retry, [token, ...args])
  }

  async bury(
    node: string,
    token: string,
    { entry: { key, seq }, error }: { readonly entry: PendingEntry; readonly error: string },
  ): Promise<void> {
    const text = Buffer.from(error).subarray(0, maxErrorBytes)
    const { reply } = await this.cache.run(bury, [key], [this.namespace, token, seqText(seq), text])
    if (reply === 3) await this.one(node, buryHere, [token, key, seqText(seq), text])
    await this.copies?.remove([{ key, seq: seqText(seq) }])
  }

  async state(node: string): Promise<JournalState> {
    const [count, oldest, now] = await this.at(node, state, [])
    return stateOf(count, oldest, now)
  }

  async *pendingKeys(node: string): AsyncIterable<Buffer[]> {
    let cursor = '0'
    do {
      const connection = await this.cache.ring.connectionTo(node)
      const name = scripts.dirtyNameOf(this.namespace)
      const [next, found] = listOf(await connection.call('ZSCAN', name, cursor, 'COUNT', pageKeys))
      cursor = String(next)
      yield listOf(found).filter((each, index): each is Buffer => index % 2 === 0 && Buffer.isBuffer(each))
    } while (cursor !== '0')
  }

  async hasten(node: string, keys: readonly Buffer[]): Promise<void> {
    await this.one(node, hasten, [...keys])
  }

  async seqsAt(node: string, keys: readonly Buffer[]): Promise<(bigint | undefined)[]> {
    const found = (await this.at(node, seqs, [...keys])).map(String)
    return found.map((text) => (text === '' ? undefined : BigInt(text)))
  }

  async restoreCopies(node: string): Promise<number> {
    return (await this.copies?.restore(node, copyGraceMs)) ?? 0
  }

  async isSettledUnder(node: string, placement: string): Promise<boolean> {
    const connection = await this.cache.ring.connectionTo(node)
    const found = await connection.call('GET', scripts.settledPrefix + this.namespace)
    return found !== null && String(found) === placement
  }

  async declareSettled(node: string, placement: string): Promise<void> {
    const connection = await this.cache.ring.connectionTo(node)
    await connection.call('SET', scripts.settledPrefix + this.namespace, placement)
  }

  private see(seq: bigint): void {
    if (seq > this.latestSeq) this.latestSeq = seq
  }

  /** Runs it for the keys of each owner together; one by one where the ring has changed since they were grouped. */
  private async onOwners(keys: readonly Buffer[], run: (own: Buffer[]) => Promise<unknown>): Promise<void> {
    await Promise.all(
      this.cache.groupByOwner(keys).map(async (indexes) => {
        const own = indexes.map((index) => keys[index]!)
        try {
          await run(own)
        } catch (error) {
          // nothing was sent
          if (!(error instanceof SeveralOwnersError) || own.length === 1) throw error
          await Promise.all(own.map((key) => run([key])))
        }
      }),
    )
  }

  private async at(node: string, script: Script, args: readonly CommandPart[]): Promise<Reply[]> {
    return listOf(await this.one(node, script, args))
  }

  /** A script on what belongs to the node alone: no change of the ring concerns it. */
  private async one(node: string, script: Script, args: readonly CommandPart[]): Promise<Reply> {
    return runOn(await this.cache.ring.connectionTo(node), script, [this.namespace, ...args])
  }
}

const getOrLease = scriptOf('get or lease', scripts.getOrLeaseBehindScript)
const put = scriptOf('put behind', scripts.journalPutScript)
const invalidate = scriptOf('invalidate behind', scripts.journalInvalidateScript)
const claim = scriptOf('claim', scripts.journalClaimScript)
const renew = scriptOf('renew a claim', scripts.journalRenewScript)
const settle = scriptOf('settle', scripts.journalSettleScript)
const release = scriptOf('release', scripts.journalReleaseScript)
const retry = scriptOf('retry', scripts.journalRetryScript)
const bury = scriptOf('bury', scripts.journalBuryScript)
const buryHere = scriptOf('bury', scripts.journalBuryHereScript)
const state = scriptOf('state of a journal', scripts.journalStateScript)
const hasten = scriptOf('hasten', scripts.journalHastenScript)
const seqs = scriptOf('numbers of a journal', scripts.journalSeqsScript)

function entryOf(key: Buffer, record: Buffer): PendingEntry {
  const { seqDigits, attemptDigits, headBytes } = scripts
  return {
    key,
    seq: BigInt(record.toString('latin1', 0, seqDigits)),
    attempts: Number(record.toString('latin1', seqDigits, seqDigits + attemptDigits)),
    ttlMs: Number(record.toString('latin1', seqDigits + attemptDigits, headBytes)),
    body: record.subarray(headBytes),
  }
}

function stateOf(count: Reply | undefined, oldest: Reply | undefined, now: Reply | undefined): JournalState {
  const oldestMs = Number(String(oldest))
  if (oldestMs < 0) return { pendingCount: Number(count), oldestMs: undefined, lagMs: 0 }
  return { pendingCount: Number(count), oldestMs, lagMs: Math.max(0, Number(now) - oldestMs) }
}

function seqText(seq: bigint): string {
  return seq.toString().padStart(scripts.seqDigits, '0')
}

function ttlText(ttlMs: number): string {
  return String(Math.min(Math.ceil(ttlMs), 10 ** scripts.ttlDigits - 1)).padStart(scripts.ttlDigits, '0')
}

function listOf(reply: Reply | undefined): Reply[] {
  if (!Array.isArray(reply)) throw new Error('a script answered something else than a list')
  return reply
}
