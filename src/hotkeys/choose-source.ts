/** Which source a node is sampled with: the best that works there, and why not the ones above it. */
import { type CachectlError, refused } from '../errors.js'
import { printable } from '../printable.js'
import { monitoringMicros, seedCost } from './cost-model.js'
import type { NodeFacts } from './node-facts.js'
import type { SourceName } from './sampled.js'

/** The sources of a live server, best first. */
const ladder = ['native', 'monitor', 'slowlog', 'tracking', 'lfu'] as const
export type LiveSource = (typeof ladder)[number]

/** What the server's own hot key detection is doing. */
export type NativeState =
  | { readonly kind: 'none' }
  /** The user may not ask. */
  | { readonly kind: 'denied' }
  /** Redis ≥ 8.6: one session a server. `finished`: its results are held until somebody resets them. */
  | { readonly kind: 'redis'; readonly session: 'free' | 'active' | 'finished' }
  /** Valkey ≥ 9.2: 0 is off; undefined: CONFIG GET is not allowed. */
  | { readonly kind: 'valkey'; readonly topK: number | undefined }

export interface SourceWish {
  readonly source: Exclude<SourceName, 'log'> | 'auto'
  /** Share of the server's time. */
  readonly budget: number
  readonly maxTimeMs: number
  readonly allowSlowlogLoss: boolean
  readonly allowConfig: boolean
  readonly force: boolean
  readonly nativeState: NativeState
}

export interface SourceChoice {
  readonly source: LiveSource
  readonly reason: string
  readonly refusedOthers: readonly { readonly source: LiveSource; readonly why: string }[]
}

/** Fewer do not tell a key of 0.5 % from its neighbours. */
const leastSamples = 5_000
/** Of a run, unless it is asked to be longer. */
const usualTimeMs = 20_000
/** A burst's end: a single command of this size is past it before it can be seen. */
const hugeInputBytes = 256 * 1024

interface Verdict {
  readonly works: boolean
  readonly why: string
  readonly remedy?: string
}

type Judge = (facts: NodeFacts, wish: SourceWish) => Verdict

/** Errors: `refused`, with cause and remedy, when the wanted source can't work on the node, or none can. */
export function chooseSource(facts: NodeFacts, wish: SourceWish): SourceChoice {
  if (wish.source !== 'auto') {
    const verdict = judges[wish.source](facts, wish)
    if (!verdict.works)
      throw refusal(
        `node ${printable(facts.node)}: --source ${wish.source}: ${verdict.why}`,
        verdict.remedy ?? `Take --source auto.`,
      )
    return { source: wish.source, reason: `asked for; ${verdict.why}`, refusedOthers: [] }
  }
  const refusedOthers: { source: LiveSource; why: string }[] = []
  const remedies: string[] = []
  for (const source of ladder) {
    const { works, why, remedy } = judges[source](facts, wish)
    if (works) return { source, reason: why, refusedOthers }
    refusedOthers.push({ source, why })
    if (remedy) remedies.push(remedy)
  }
  const all = refusedOthers.map(({ source, why }) => `${source}: ${why}`).join('; ')
  throw refusal(`node ${printable(facts.node)}: no source works: ${all}`, remedies.join('\n'))
}

function refusal(message: string, remedy: string): CachectlError {
  return refused(message, remedy || undefined)
}

/** The reason of the choice, then why not what was passed over. */
export function describeChoice({ reason, refusedOthers }: SourceChoice): string {
  return [reason, ...refusedOthers.map(({ source, why }) => `not ${source}: ${why}`)].join('; ')
}

const judges: Readonly<Record<LiveSource, Judge>> = {
  native: judgeNative,
  monitor: judgeMonitor,
  slowlog: judgeSlowlog,
  tracking: judgeTracking,
  lfu: judgeLfu,
}

const yes = (why: string): Verdict => ({ works: true, why })
const no = (why: string, remedy?: string): Verdict => ({ works: false, why, ...(remedy ? { remedy } : {}) })

function judgeNative(facts: NodeFacts, { nativeState, allowConfig }: SourceWish): Verdict {
  const needed = facts.server === 'redis' ? '8.6' : '9.2'
  if (!isAtLeast(facts.version, needed)) return no(`server is ${serverOf(facts)} (needs ${needed})`)
  const missing = missingOf(facts, ['+hotkeys'])
  if (missing) return missing
  switch (nativeState.kind) {
    case 'none':
      return no(`${serverOf(facts)} has no HOTKEYS command`)
    case 'denied':
      return no('the user lacks +hotkeys', 'ACL SETUSER … +hotkeys')
    case 'redis':
      if (nativeState.session === 'free')
        return yes(`HOTKEYS of ${serverOf(facts)}: CPU and network of keys, no counts of commands`)
      return nativeState.session === 'active'
        ? no('somebody else’s HOTKEYS session is running', 'Wait until it has ended, or HOTKEYS STOP it.')
        : no(
            'the results of a finished HOTKEYS session are held there',
            'Read them with HOTKEYS GET, then HOTKEYS RESET.',
          )
    case 'valkey':
      if (nativeState.topK === undefined)
        return no('CONFIG GET hotkeys-top-k is not allowed, so nothing tells whether its detection is on')
      if (nativeState.topK > 0)
        return yes(`HOTKEYS of ${serverOf(facts)} is on, with ${nativeState.topK} places`)
      if (!allowConfig)
        return no(
          'its detection is off (hotkeys-top-k 0)',
          'Pass --allow-config to switch it on for the run.',
        )
      return missingOf(facts, ['+config', '+config|set']) ?? yes('switched on for the run (--allow-config)')
  }
}

function judgeMonitor(facts: NodeFacts, wish: SourceWish): Verdict {
  const missing = missingOf(facts, ['+monitor'])
  if (missing) return missing
  const { server, version, bytesPerCommand } = facts
  const cost = monitoringMicros(1, bytesPerCommand, seedCost(server, version))
  // whoever asks for a quick look does not ask for another source
  const samples = Math.floor((wish.budget * Math.max(wish.maxTimeMs, usualTimeMs) * 1000) / cost)
  const costs = `${cost.toFixed(1)} µs of the server's time a command (${Math.round(facts.bytesPerCommand)} bytes each)`
  const force = 'Pass --force to take it nevertheless.'
  if (!wish.force && (facts.largestInputBytes ?? 0) >= hugeInputBytes)
    return no(
      `a client sent ${Math.round((facts.largestInputBytes ?? 0) / 1024)} KiB at once lately, and one line of that size holds the server up`,
      force,
    )
  if (!wish.force && samples < leastSamples)
    return no(
      `${costs}: the budget buys ${samples.toLocaleString('en')} samples (needs ${leastSamples.toLocaleString('en')})`,
      `Raise --budget or --max-time. ${force}`,
    )
  // no figures: nodes that are alike share a line on the screen
  return yes('counted bursts')
}

function judgeSlowlog(facts: NodeFacts, { allowSlowlogLoss }: SourceWish): Verdict {
  if (!allowSlowlogLoss)
    return no(
      'it pushes out the slow log that is there',
      'Pass --allow-slowlog-loss: the entries are saved to a file first.',
    )
  const rights = ['+slowlog', '+config', '+config|get', '+config|set', '+multi', '+exec']
  return missingOf(facts, rights) ?? yes('its cost does not grow with the size of values')
}

function judgeTracking(facts: NodeFacts): Verdict {
  if (facts.server === 'redis' && !isAtLeast(facts.version, '6.0'))
    return no(`server is ${serverOf(facts)} (needs 6.0)`)
  const rights = ['+hello', '+client|tracking', '+client|id', '+client|kill']
  return missingOf(facts, rights) ?? yes('shows the keys of writes only')
}

function judgeLfu(facts: NodeFacts): Verdict {
  const { maxmemoryPolicy: policy } = facts
  if (policy !== undefined && !policy.endsWith('-lfu'))
    return no(
      `maxmemory-policy is ${printable(policy)} (needs allkeys-lfu or volatile-lfu)`,
      'A policy that is set now starts its counters now.',
    )
  return (
    missingOf(facts, ['+scan', '+object', '+object|freq']) ??
    yes(`popularity, not rate${policy ? '' : ' (if the policy is an LFU one)'}`)
  )
}

function missingOf({ missingRights }: NodeFacts, rights: readonly string[]): Verdict | undefined {
  const missing = rights.filter((right) => missingRights.has(right))
  if (missing.length === 0) return undefined
  return no(`the user lacks ${missing.join(' ')}`, `ACL SETUSER … ${missing.join(' ')}`)
}

function serverOf({ server, version }: NodeFacts): string {
  return `${server === 'redis' ? 'Redis' : 'Valkey'} ${printable(version)}`
}

function isAtLeast(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number)
  return major > leastMajor || (major === leastMajor && minor >= leastMinor)
}
