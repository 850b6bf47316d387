/** Keeps the hottest keys published from window to window, and takes off what it has published when it ends. */
import type { MeetingPort } from '../../cache/ports.js'
import type { Clock } from '../../clock.js'
import { describeError, isUnreachable } from '../../errors.js'
import { minReadShare } from '../../hotkeys/choose-local.js'
import { demandBetween, demandPrefix, type HotDemand } from '../../hotkeys/hot-demand.js'
import type { HotSet, LocalKey } from '../../hotkeys/hot-set.js'
import { type Changes, type Entry, Hysteresis, type Observed } from '../../hotkeys/hysteresis.js'
import { parseHotDemand } from '../../hotkeys/parse-hot-demand.js'
import { accessesOf } from '../../hotkeys/read-share.js'
import { changeHotSet, type HotSetBoard, withLocal } from './publish.js'

/** What the servers did in one window, as far as it was seen. */
export interface SampledWindow {
  /** Commands a second of each load that shares are of: a node by its id, or '' for the whole ring. */
  readonly loads: ReadonlyMap<string, number>
  readonly keys: readonly SampledKey[]
}

export interface SampledKey {
  /** latin1. */
  readonly name: string
  readonly opsPerSec: number
  /** Lower end of its interval. */
  readonly opsPerSecLow: number
  /** Above the threshold, whatever else was sampled. */
  readonly isCertain: boolean
  /** Command → share of the key's commands. */
  readonly commands: Readonly<Record<string, number>>
}

export interface KeepRequest {
  readonly ring: string
  readonly threshold: number
  /** Keys at most. */
  readonly limit: number
  /** What a key's share is of. */
  readonly loadOf: (name: string) => string
}

export interface KeepPorts {
  readonly sampleWindow: (signal: AbortSignal) => Promise<SampledWindow>
  readonly meeting: Pick<MeetingPort, 'list'>
  readonly board: HotSetBoard
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly onChange: (change: PublishedChange) => void
  readonly onWindow: (window: KeptWindow) => void
  /** A window that came to nothing, and why: for people. */
  readonly onTrouble: (text: string) => void
}

export interface PublishedChange extends Omit<Entry, 'share'> {
  readonly kind: 'entered' | 'left' | 'withdrawn'
  /** null: not told. */
  readonly share: number | null
  readonly generation: number
}

export interface KeptWindow {
  readonly publishedCount: number
  /** A second, from the memory of the library's processes. */
  readonly hitsPerSec: number
  readonly opsPerSec: number
}

/** What a dead publisher leaves is over after it. */
const ttlMs = 60_000

/** Runs until the signal. Errors: what the sampling throws but `unreachable`. */
export async function keepPublished(request: KeepRequest, ports: KeepPorts): Promise<void> {
  const { signal, onTrouble, clock } = ports
  const kept = new KeptKeys(request, ports)
  try {
    while (!signal.aborted) {
      try {
        await kept.window()
      } catch (error) {
        if (signal.aborted) break
        // a node or the store is away: the keys stay as they are, until they are over
        if (!isUnreachable(error)) throw error
        onTrouble(describeError(error))
        await clock.sleep(1_000, signal).catch(() => undefined)
      }
    }
  } finally {
    await kept.withdraw()
  }
}

class KeptKeys {
  private readonly hysteresis: Hysteresis
  private demand: readonly HotDemand[] | undefined
  /** What we have published, and until when. */
  private readonly ours = new Map<string, number>()
  /** Changes that are decided and not published yet. */
  private untold: Changes = { entered: [], left: [] }
  private untilMs = 0

  constructor(
    private readonly request: KeepRequest,
    private readonly ports: KeepPorts,
  ) {
    this.hysteresis = new Hysteresis(request)
  }

  async window(): Promise<void> {
    const { sampleWindow, signal, onWindow } = this.ports
    this.demand ??= await this.readDemand()
    const sampled = await sampleWindow(signal)
    if (signal.aborted) return
    const demand = await this.readDemand()
    const hits = demandBetween(this.demand, demand)
    this.demand = demand
    const { entered, left } = this.hysteresis.step(observe(sampled, hits, this.request))
    this.untold = { entered: [...this.untold.entered, ...entered], left: [...this.untold.left, ...left] }
    await this.publish()
    const opsPerSec = sum(sampled.loads.values())
    onWindow({ publishedCount: this.ours.size, hitsPerSec: sum(hits.values()), opsPerSec })
  }

  async withdraw(): Promise<void> {
    if (this.ours.size === 0) return
    const { onChange, onTrouble } = this.ports
    const names = [...this.ours.keys()]
    try {
      const { generation } = await this.change(names, [])
      for (const name of names)
        onChange({ kind: 'withdrawn', name, share: null, reason: 'this run has ended', generation })
    } catch (error) {
      if (!isUnreachable(error)) throw error
      onTrouble(`${describeError(error)}: what is published is over in ${ttlMs / 1_000} s at the latest`)
    }
  }

  private async publish(): Promise<void> {
    const { onChange } = this.ports
    const stays = new Set(this.hysteresis.names)
    const off = this.untold.left.map(({ name }) => name).filter((name) => !stays.has(name))
    const { generation } = await this.change(off, [...stays])
    for (const each of this.untold.left) onChange({ kind: 'left', ...each, generation })
    for (const each of this.untold.entered) onChange({ kind: 'entered', ...each, generation })
    this.untold = { entered: [], left: [] }
  }

  /** Takes off what is ours, and not what somebody else wants for longer. Writes only what is not there already. */
  private async change(off: readonly string[], on: readonly string[]): Promise<HotSet> {
    const { board, clock } = this.ports
    if (this.untilMs < clock.wallMs() + ttlMs / 2) this.untilMs = clock.wallMs() + ttlMs
    const { untilMs, ours } = this
    // ours before it is there: a write whose answer is lost is taken off all the same
    for (const name of on) ours.set(name, untilMs)
    const isOurs = ({ key, untilMs: until }: LocalKey) => {
      const name = key.toString('latin1')
      return off.includes(name) && until <= (ours.get(name) ?? 0)
    }
    const keys = on.map((name) => ({ key: Buffer.from(name, 'latin1'), untilMs }))
    const set = await changeHotSet(({ local, split }) => {
      return withLocal(keys)({ local: local.filter((each) => !isOurs(each)), split })
    }, board)
    for (const name of off) ours.delete(name)
    return set
  }

  private async readDemand(): Promise<readonly HotDemand[]> {
    const texts = await this.ports.meeting.list(demandPrefix(this.request.ring))
    return texts.flatMap(({ text }) => parseHotDemand(text) ?? [])
  }
}

/** What was read from memory counts as if a server had served it: it would, were the key not published. */
function observe(
  { loads, keys }: SampledWindow,
  hits: ReadonlyMap<string, number>,
  { loadOf, threshold }: Pick<KeepRequest, 'loadOf' | 'threshold'>,
): ReadonlyMap<string, Observed> {
  const wholes = new Map(loads)
  for (const [name, perSec] of hits) wholes.set(loadOf(name), (wholes.get(loadOf(name)) ?? 0) + perSec)
  const sampled = new Map(keys.map((each) => [each.name, each]))
  const names = new Set([...sampled.keys(), ...hits.keys()])
  return new Map(
    [...names].map((name): [string, Observed] => {
      const { opsPerSec = 0, opsPerSecLow = 0, commands = {}, isCertain } = sampled.get(name) ?? {}
      const fromMemory = hits.get(name) ?? 0
      const { reads, writes } = accessesOf(commands)
      const total = opsPerSec + fromMemory
      const whole = wholes.get(loadOf(name)) ?? 0
      const written = reads + writes > 0 ? (opsPerSec * writes) / (reads + writes) : 0
      const isFit = total > 0 && whole > 0 && written <= (1 - minReadShare) * total
      const low = (opsPerSecLow + fromMemory) / whole
      // an interval of its own is not enough where many keys are looked at
      return [name, isFit ? { share: total / whole, low: isCertain ? low : Math.min(low, threshold) } : unfit]
    }),
  )
}

const unfit: Observed = { share: 0, low: 0 }

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
