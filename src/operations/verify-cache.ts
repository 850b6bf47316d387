/** Samples the keys of a cache on its nodes, and compares what is served of each with the source of truth. */
import type { Verifier } from '../cache/verify.js'
import type { Clock } from '../clock.js'
import type { Random } from '../random.js'
import type { KeysPort, ProgressPort } from './ports.js'

export type { Consistency, ConsistencyCounts } from '../cache/consistency.js'
export type { Difference } from '../cache/verify.js'

export interface SamplePorts {
  readonly keys: Pick<KeysPort, 'scan'>
  readonly random: Random
  readonly progress: ProgressPort
  readonly signal: AbortSignal
}

/**
 * Up to `count` keys of the namespace, each as likely as the other, without the prefix (reservoir sampling, Vitter 1985).
 * A key that lies on two nodes may be drawn twice and counts once. Errors: `unreachable`, or the signal's reason.
 */
export async function sampleKeys(
  {
    nodes,
    prefix,
    count,
  }: { readonly nodes: readonly string[]; readonly prefix: string; readonly count: number },
  { keys, random, progress, signal }: SamplePorts,
): Promise<string[]> {
  const start = Buffer.from(prefix)
  const drawn: Buffer[] = []
  let seen = 0
  for (const node of nodes) {
    for await (const page of keys.scan(node)) {
      signal.throwIfAborted()
      for (const key of page) {
        if (!key.subarray(0, start.length).equals(start)) continue
        const place = seen < count ? seen : Math.floor(random.next() * (seen + 1))
        if (place < count) drawn[place] = key
        seen += 1
      }
      progress.update(`scanning ${node}: ${seen.toLocaleString('en')} keys of ${prefix}*`)
    }
  }
  return [...new Set(drawn.map((key) => key.toString('utf8', start.length)))]
}

export interface VerifyPorts {
  readonly verifier: Verifier
  readonly clock: Clock
  readonly progress: ProgressPort
  readonly signal: AbortSignal
}

export interface VerifyRun {
  readonly keyCount: number
  readonly seconds: number
  /** Ended by the signal: the counts are of the keys until then. */
  readonly interrupted: boolean
}

/** Keys that may be looked at at once: those that differ take as long as the bound that is verified. */
const maxUnderWay = 1_000
const progressEvery = 50

/** Errors: what `firstFailure` makes of it, when the very first key can't be checked. */
export async function verifyKeys(
  {
    keys,
    ratePerSec,
    firstFailure,
  }: {
    readonly keys: readonly string[]
    readonly ratePerSec: number
    readonly firstFailure: () => Error
  },
  { verifier, clock, progress, signal }: VerifyPorts,
): Promise<VerifyRun> {
  const startedMs = clock.nowMs()
  const underWay = new Set<Promise<unknown>>()
  let failure: unknown
  try {
    for (const [index, key] of keys.entries()) {
      await clock.sleep(Math.max(0, startedMs + (index * 1_000) / ratePerSec - clock.nowMs()), signal)
      while (underWay.size >= maxUnderWay) await Promise.race(underWay)
      if (failure) throw failure
      const checking = verifier.check(key, signal).catch((error: unknown) => {
        failure = error
        return undefined
      })
      // a source that can't be asked at all need not be asked ten thousand times
      if (index === 0 && (await checking) === 'failed') throw firstFailure()
      underWay.add(checking)
      void checking.finally(() => underWay.delete(checking))
      if (index % progressEvery === 0)
        progress.update(`${index} of ${keys.length} keys, ${verifier.counts.inconsistent} inconsistent`)
    }
    await Promise.all(underWay)
    if (failure) throw failure
  } catch (error) {
    await Promise.all(underWay)
    if (!signal.aborted) throw error
  } finally {
    progress.end()
  }
  return {
    keyCount: keys.length,
    seconds: (clock.nowMs() - startedMs) / 1_000,
    interrupted: signal.aborted,
  }
}
