/** Tells what this process serves of hot keys from its memory, so that whoever published them sees that they are still hot. */
import type { Clock } from '../clock.js'
import { demandName, formatHotDemand } from '../hotkeys/hot-demand.js'
import type { MeetingPort } from './ports.js'

export interface HotDemandPorts {
  readonly board: Pick<MeetingPort, 'put' | 'remove'>
  readonly clock: Clock
  /** latin1 key of the published local set → reads served from L1, since the process began to count it. */
  readonly hits: () => ReadonlyMap<string, number>
}

const everyMs = 1_000
/** A process that has ended is forgotten soon. */
const ttlSeconds = 5

export class HotDemandReporter {
  private readonly name: string
  private timer: NodeJS.Timeout | undefined
  private telling: Promise<void> | undefined
  private isTold = false

  /** `client`: the ring client's id. */
  constructor(
    private readonly client: string,
    ring: string,
    private readonly ports: HotDemandPorts,
  ) {
    this.name = demandName(ring, client)
  }

  /** From here on once a second, as long as anything is published. It keeps no process alive. */
  start(): void {
    this.timer ??= setInterval(() => {
      this.telling ??= this.tell().finally(() => {
        this.telling = undefined
      })
    }, everyMs)
    this.timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.timer)
    this.timer = undefined
    await this.telling
    // what is left of it goes by itself
    if (this.isTold) await this.ports.board.remove(this.name).catch(() => undefined)
    this.isTold = false
  }

  private async tell(): Promise<void> {
    const { board, clock, hits } = this.ports
    const counts = hits()
    if (counts.size === 0) return
    const text = formatHotDemand({ client: this.client, atMs: clock.nowMs(), hits: counts })
    // counts only grow: the next text tells what a lost one would have
    await board.put(this.name, text, ttlSeconds).then(
      () => {
        this.isTold = true
      },
      () => undefined,
    )
  }
}
