/** What an agent and a coordinator act through, beside the board. */

import type { MeetingPort } from '../../cache/ports.js'
import type { Clock } from '../../clock.js'
import { isUnreachable } from '../../errors.js'
import type { GeneratorRun } from '../../measure/merge-runs.js'
import type { NodeSpec } from '../../ring/topology.js'
import type { LoadPort, LoadRequest } from '../ports.js'
import { patienceMs } from './messages.js'

/** Loads and counts as ASCII texts. Errors: `refused` for what is none; `invalid` for a trace that is not here. */
export interface LoadTextsPort {
  packLoad(request: LoadRequest): Promise<string>
  unpackLoad(text: string): Promise<LoadRequest>
  packRun(run: GeneratorRun): Promise<string>
  unpackRun(text: string): Promise<GeneratorRun>
}

export interface MeetingPorts {
  readonly meeting: MeetingPort
  readonly texts: LoadTextsPort
  readonly clock: Clock
  /** Stops the agent, or the coordinator's wait for agents. */
  readonly signal: AbortSignal
}

export interface AgentPorts extends MeetingPorts {
  /** With the secrets of this machine. */
  createLoad(nodes: readonly NodeSpec[]): Promise<LoadPort>
  /** A line for whoever watches this agent. */
  tell(line: string): void
  /** What it counted, beside handing it over. */
  keep?(name: string, run: GeneratorRun): Promise<void>
}

const retryMs = 250

/** Again while the store is unreachable, which a restart of it makes it for some seconds. Errors: the last one, after 15 s. */
export async function patiently<T>(clock: Clock, act: () => Promise<T>): Promise<T> {
  const startMs = clock.nowMs()
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (!isUnreachable(error) || clock.nowMs() - startMs > patienceMs) throw error
      await clock.sleep(retryMs)
    }
  }
}
