/**
 * Counts of one node's samples. Bursts, not commands, are what is drawn, so of each key also its squares over bursts are
 * summed: all that the variance between bursts needs, whatever the number of bursts.
 */
import type { SampledBurst, SampledCommand } from './sampled.js'
import { type Counter, SpaceSaving } from './space-saving.js'

/** Of a key; x of the sums is the number of a burst's commands that named it, n of all its commands. */
export class KeyTally implements Counter {
  /** Σx. */
  count: number
  /** Σx². */
  squares = 0
  /** Σxn. */
  products = 0
  /** Bursts that named it. */
  bursts = 0
  bytes = 0
  /** Absent while the key has hardly been seen. */
  details: KeyDetails | undefined
  /** x of the burst that is being added. */
  inBurst = 0
  slot = 0

  constructor(
    readonly name: string,
    public error: number,
  ) {
    this.count = error
  }

  /** Commands that have named it, at least. */
  get seen(): number {
    return this.count - this.error
  }
}

/** Counted from the moment on at which the key was worth it. */
export interface KeyDetails {
  readonly commands: Map<string, number>
  /** Server time of these commands, where the source tells. */
  micros: number
  readonly clients: SpaceSaving<Counter>
}

export interface TallyOptions {
  /** Above it keys are looked for: a share of the node's commands. */
  readonly threshold?: number
  /** Different keys up to which each is counted, `sketchKeys` at least; afterwards so many are (Space-Saving). */
  readonly exactKeys?: number
}

/** A key's counter with its name takes about 200 bytes: 0.8 MB a node. */
export const sketchKeys = 4_096
/** Of all nodes of a run together: 13 MB. */
const exactKeysOfRun = 65_536

/** Of one of so many nodes. */
export function exactKeysOf(nodeCount: number): number {
  return Math.max(sketchKeys, Math.floor(exactKeysOfRun / nodeCount))
}

const mostClients = { ofKey: 8, ofNode: 32 }
/** Servers have about 250; a log may say anything. */
const mostKeyless = 256
const fewestForDetails = 16

export class Tally {
  readonly keys = new SpaceSaving<KeyTally>((name, error) => new KeyTally(name, error))
  /** Commands without keys, by their names, counted as keys are. */
  readonly keyless = new SpaceSaving<KeyTally>((name, error) => new KeyTally(name, error))
  /** Server time of all commands, where the source tells. */
  micros = 0
  /** Σn. */
  samples = 0
  /** Σn². */
  squares = 0
  /** Σn, each burst with the square of its weight. */
  squaredWeights = 0
  /** Bursts with their weights, and with the squares of them: 1 until they decay. */
  private readonly weights = { sum: 0, squares: 0 }
  readonly clients = new SpaceSaving<Counter>(createCounter)
  private firstAtMs = Number.POSITIVE_INFINITY
  private lastAtMs = Number.NEGATIVE_INFINITY
  private readonly threshold: number
  private readonly exactKeys: number

  constructor(
    readonly node: string,
    { threshold = 0.005, exactKeys = exactKeysOf(1) }: TallyOptions = {},
  ) {
    this.threshold = threshold
    this.exactKeys = exactKeys
    this.clients.limit(mostClients.ofNode)
    this.keyless.limit(mostKeyless)
  }

  /** Bursts that count, fewer than there were where the old ones have decayed (Kish's effective size). */
  get bursts(): number {
    const { sum, squares } = this.weights
    return squares > 0 ? sum ** 2 / squares : 0
  }

  get spanMs(): number {
    return Math.max(0, this.lastAtMs - this.firstAtMs)
  }

  add({ atMs, commands }: SampledBurst): void {
    const size = commands.length
    if (size === 0) return
    const detailsFrom = Math.max(fewestForDetails, (this.samples * this.threshold) / 4)
    const named = new Set<KeyTally>()
    for (const command of commands) {
      if (command.client) this.clients.increment(command.client)
      this.micros += command.micros ?? 0
      if (command.isKeyless) named.add(countIn(this.keyless, command.command, command))
      for (const name of command.keys) named.add(this.count(name, command, detailsFrom))
    }
    for (const key of named) {
      key.squares += key.inBurst ** 2
      key.products += key.inBurst * size
      key.bursts += 1
      key.inBurst = 0
    }
    this.samples += size
    this.squares += size ** 2
    this.squaredWeights += size
    this.weights.sum += 1
    this.weights.squares += 1
    this.firstAtMs = Math.min(this.firstAtMs, atMs)
    this.lastAtMs = Math.max(this.lastAtMs, atMs)
    if (this.keys.isExact && this.keys.size > this.exactKeys) this.keys.limit(sketchKeys)
  }

  /** All until now counts `factor` times as much, in (0, 1). */
  decay(factor: number): void {
    const squared = factor ** 2
    this.samples *= factor
    this.squares *= squared
    this.squaredWeights *= squared
    this.micros *= factor
    this.weights.sum *= factor
    this.weights.squares *= squared
    fadeKeys(this.keys, factor)
    fadeKeys(this.keyless, factor)
    fadeCounters(this.clients, factor)
  }

  private count(name: string, sampled: SampledCommand, detailsFrom: number): KeyTally {
    const key = countIn(this.keys, name, sampled)
    if (key.seen < detailsFrom) return key
    key.details ??= createDetails()
    const { details } = key
    const { command, client, micros = 0 } = sampled
    details.commands.set(command, (details.commands.get(command) ?? 0) + 1)
    details.micros += micros
    if (client) details.clients.increment(client)
    return key
  }
}

/** A count as small as this is a command that was seen long ago. */
const forgotten = 0.1

function createCounter(name: string, error: number): Counter {
  return { name, count: error, error, slot: 0 }
}

function countIn(counters: SpaceSaving<KeyTally>, name: string, { bytes }: SampledCommand): KeyTally {
  const counter = counters.increment(name)
  counter.inBurst += 1
  counter.bytes += bytes
  return counter
}

function createDetails(): KeyDetails {
  const clients = new SpaceSaving<Counter>(createCounter)
  clients.limit(mostClients.ofKey)
  return { commands: new Map(), micros: 0, clients }
}

function fadeKeys(keys: SpaceSaving<KeyTally>, factor: number): void {
  const squared = factor ** 2
  keys.reweigh(
    (key) => {
      key.count *= factor
      key.error *= factor
      key.squares *= squared
      key.products *= squared
      key.bursts *= factor
      key.bytes *= factor
      if (key.details) fade(key.details, factor)
    },
    ({ count }) => count >= forgotten,
  )
}

function fade(details: KeyDetails, factor: number): void {
  const { commands, clients } = details
  details.micros *= factor
  for (const [command, count] of commands) {
    if (count * factor < forgotten) commands.delete(command)
    else commands.set(command, count * factor)
  }
  fadeCounters(clients, factor)
}

function fadeCounters(counters: SpaceSaving<Counter>, factor: number): void {
  counters.reweigh(
    (counter) => {
      counter.count *= factor
      counter.error *= factor
    },
    ({ count }) => count >= forgotten,
  )
}
