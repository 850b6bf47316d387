/**
 * Hot families of keys: hierarchical heavy hitters (Cormode, Korn, Muthukrishnan and Srivastava, "Finding Hierarchical
 * Heavy Hitters in Data Streams", VLDB 2003) over the parts of key names. A prefix is reported for what is left of it when
 * hotter keys and deeper prefixes in it are taken out: many keys, none of which is hot by itself.
 */
import type { Tally } from './tally.js'

export interface HotPrefix {
  /** latin1, its delimiter at the end. */
  readonly prefix: string
  /** Of the ring's commands: of all keys that begin with it. */
  readonly share: number
  /** Without the hot keys and reported prefixes in it. */
  readonly ownShare: number
  /** Different keys that were seen. */
  readonly keyCount: number
}

export interface PrefixOptions {
  readonly threshold: number
  /** A node's part of all commands. */
  weightOf(node: string): number
  /** Hot keys by name, with their shares of the ring. */
  readonly hotKeys: ReadonlyMap<string, number>
}

const delimiter = /[:/.\-|#]+/g
/** Deeper parts are of names that are paths of something else. */
const deepest = 8
const mostPrefixes = 10

export function hotPrefixes(tallies: readonly Tally[], options: PrefixOptions): HotPrefix[] {
  const levels = countLevels(tallies, options)
  const claimed = new Map<string, number>()
  const claim = (prefixes: readonly string[], share: number) => {
    for (const prefix of prefixes) claimed.set(prefix, (claimed.get(prefix) ?? 0) + share)
  }
  for (const [name, share] of options.hotKeys) claim(prefixesOf(name), share)
  const found: HotPrefix[] = []
  for (const level of levels.reverse()) {
    for (const [prefix, { share, keyCount }] of level) {
      const ownShare = share - (claimed.get(prefix) ?? 0)
      if (ownShare < options.threshold || keyCount < 2) continue
      found.push({ prefix, share, ownShare, keyCount })
      claim(prefixesOf(prefix).slice(0, -1), ownShare)
    }
  }
  return found.sort((a, b) => b.ownShare - a.ownShare).slice(0, mostPrefixes)
}

interface PrefixCount {
  share: number
  keyCount: number
}

/** Level by level, because a prefix can be above the threshold only where the one before it is. */
function countLevels(
  tallies: readonly Tally[],
  { threshold, weightOf }: PrefixOptions,
): ReadonlyMap<string, PrefixCount>[] {
  let keys: { readonly name: string; readonly share: number; prefix: string }[] = []
  for (const tally of tallies) {
    const weight = weightOf(tally.node) / Math.max(1, tally.samples)
    for (const { name, seen } of tally.keys.counters()) keys.push({ name, share: seen * weight, prefix: '' })
  }
  const levels: ReadonlyMap<string, PrefixCount>[] = []
  for (let depth = 0; depth < deepest && keys.length > 0; depth++) {
    const level = new Map<string, PrefixCount>()
    keys = keys.filter((key) => {
      const prefix = nextPrefix(key.name, key.prefix.length)
      if (prefix === undefined) return false
      key.prefix = prefix
      return true
    })
    for (const { prefix, share } of keys) {
      const count = level.get(prefix) ?? { share: 0, keyCount: 0 }
      level.set(prefix, count)
      count.share += share
      count.keyCount += 1
    }
    for (const [prefix, { share }] of level) if (share < threshold) level.delete(prefix)
    keys = keys.filter(({ prefix }) => level.has(prefix))
    levels.push(level)
  }
  return levels
}

/** The shortest that is longer. */
function nextPrefix(name: string, length: number): string | undefined {
  delimiter.lastIndex = length
  return delimiter.test(name) ? name.slice(0, delimiter.lastIndex) : undefined
}

/** `a:b/c` has `a:` and `a:b/`. */
export function prefixesOf(name: string): string[] {
  const prefixes: string[] = []
  for (let prefix = nextPrefix(name, 0); prefix !== undefined && prefixes.length < deepest; ) {
    prefixes.push(prefix)
    prefix = nextPrefix(name, prefix.length)
  }
  return prefixes
}
