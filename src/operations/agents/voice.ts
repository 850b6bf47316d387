/**
 * One text on the board that its writer keeps alive: said again, with a new beat, once a second, so that others see that
 * the writer lives. What is said later is written later.
 */

import type { MeetingPort } from '../../cache/ports.js'
import type { Clock } from '../../clock.js'
import { isUnreachable } from '../../errors.js'
import { beatMs, shortTtlSeconds } from './messages.js'

export interface VoiceOptions {
  readonly meeting: MeetingPort
  readonly clock: Clock
  readonly name: string
}

export class Voice<T extends { readonly beat: number }> {
  private readonly stopped = new AbortController()
  private tail: Promise<void> = Promise.resolve()
  private beating: Promise<void> = Promise.resolve()
  private problem: unknown

  constructor(
    private readonly options: VoiceOptions,
    private text: T,
  ) {}

  get now(): T {
    return this.text
  }

  /** Changes what is said from now on; resolves when it stands on the board. Errors: `unreachable`. */
  say(change: Partial<Omit<T, 'beat'>>): Promise<void> {
    const { meeting, name } = this.options
    const { beat } = this.text
    this.text = { ...this.text, ...change, beat: beat + 1 }
    // what stands there by then may be newer: the latest is always right
    const put = this.tail.then(() => meeting.put(name, JSON.stringify(this.text), shortTtlSeconds))
    this.tail = put.catch(() => undefined)
    return put
  }

  /** With the next beat; for what is not urgent. */
  note(change: Partial<Omit<T, 'beat'>>): void {
    this.text = { ...this.text, ...change }
  }

  /** Beats until `end`. A store that is away for a while is tried again; anything else ends the beat, and `end` throws it. */
  start(): void {
    this.beating = this.beat().catch((error: unknown) => {
      this.problem = error
    })
  }

  private async beat(): Promise<void> {
    const { clock } = this.options
    const { signal } = this.stopped
    while (!signal.aborted) {
      try {
        await this.say({})
      } catch (error) {
        if (!isUnreachable(error)) throw error
      }
      await clock.sleep(beatMs, signal).catch(() => undefined)
    }
  }

  /** Falls silent. Its last text goes by itself, or is taken off now, where the store can be reached. */
  async end({ staysOnBoard }: { readonly staysOnBoard: boolean }): Promise<void> {
    this.stopped.abort()
    await this.beating
    await this.tail
    try {
      if (!staysOnBoard) await this.options.meeting.remove(this.options.name)
    } catch (error) {
      if (!isUnreachable(error)) throw error
    }
    if (this.problem) throw this.problem
  }
}
