/**
 * Follows the hot set that is published on the control store's board, for all caches over one ring. Nothing safe rests on
 * it: a process that has not heard of a set yet reads as before.
 */
import type { Clock } from '../clock.js'
import { type HotSet, hotSetNotice, noHotSet } from '../hotkeys/hot-set.js'
import type { Random } from '../random.js'
import type { ControlStore, HotKeysPort } from './ports.js'

export interface HotSetFollowerOptions {
  readonly control: Pick<ControlStore, 'notice'>
  readonly clock: Clock
  readonly random: Random
}

/** Processes that were started together do not ask together: each time it is up to a quarter more or less. */
const lookMs = 500

export class HotSetFollower implements HotKeysPort {
  private text: string | undefined
  private published = noHotSet
  private current = noHotSet
  private readonly listeners = new Set<() => void>()
  private readonly counters = new Set<() => ReadonlyMap<string, number>>()
  private readonly endings: (() => Promise<void>)[] = []
  private timer: NodeJS.Timeout | undefined
  private isAsking = false
  private isStopped = false

  constructor(private readonly options: HotSetFollowerOptions) {
    this.look()
  }

  get set(): HotSet {
    return this.current
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  countHits(hits: () => ReadonlyMap<string, number>): () => void {
    this.counters.add(hits)
    return () => this.counters.delete(hits)
  }

  /** Of all caches. */
  get hits(): ReadonlyMap<string, number> {
    return new Map([...this.counters].flatMap((hits) => [...hits()]))
  }

  /** What ends with it. */
  atStop(ending: () => Promise<void>): void {
    this.endings.push(ending)
  }

  async stop(): Promise<void> {
    this.isStopped = true
    clearTimeout(this.timer)
    await Promise.all(this.endings.map((end) => end()))
  }

  private look(): void {
    if (this.isStopped) return
    void this.ask()
    this.refresh()
    this.schedule()
  }

  /** At the next look, or when the first of the local keys has had its time. */
  private schedule(): void {
    const { clock, random } = this.options
    clearTimeout(this.timer)
    const nextMs = lookMs * (0.75 + 0.5 * random.next())
    const leftMs = this.current.local.map(({ untilMs }) => untilMs - clock.wallMs())
    this.timer = setTimeout(() => this.look(), Math.max(1, Math.min(nextMs, ...leftMs)))
    this.timer.unref()
  }

  private async ask(): Promise<void> {
    if (this.isAsking) return
    this.isAsking = true
    try {
      const text = await this.options.control.notice(hotSetNotice)
      if (this.isStopped || text === this.text) return
      const published = (text === undefined ? undefined : await parsed(text)) ?? noHotSet
      if (this.isStopped) return
      this.published = published
      this.text = text
      this.refresh()
      this.schedule()
    } catch {
      // a store that does not answer says nothing: the set stays, until its keys have had their time
    } finally {
      this.isAsking = false
    }
  }

  private refresh(): void {
    const { published } = this
    const nowMs = this.options.clock.wallMs()
    const local = published.local.filter(({ untilMs }) => nowMs < untilMs)
    const isSame =
      this.current.generation === published.generation &&
      this.current.publishedMs === published.publishedMs &&
      this.current.local.length === local.length
    if (isSame) return
    this.current = { ...published, local }
    for (const listener of this.listeners) listener()
  }
}

/** What reads it comes with the first set there is: an application that has none need not load it. */
async function parsed(text: string): Promise<HotSet | undefined> {
  const { parseHotSet } = await import('../hotkeys/parse-hot-set.js')
  return parseHotSet(text)
}
