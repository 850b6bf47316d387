/** From a sampling run to the report of `hotkeys`: the keys are described by their nodes, and placed by the ring. */
import { randomBytes } from 'node:crypto'
import { keyNames, type Redaction } from './hotkeys/redaction.js'
import { type HotKeysReport, type HotKeysRun, hotKeysReport } from './hotkeys/report.js'
import { logNode } from './hotkeys/sampled.js'
import type { Trend } from './hotkeys/trend.js'
import { describeKeys } from './operations/hotkeys/describe-keys.js'
import type { NodeAccess } from './operations/ports.js'
import { createDescriber } from './redis/hotkeys/describe.js'
import { buildRing } from './ring/build-ring.js'
import type { Topology } from './ring/topology.js'

export interface ReportSettings {
  readonly topology: Topology
  readonly accesses: readonly NodeAccess[]
  readonly budget: number
  readonly threshold: number
  readonly redaction: Redaction | undefined
  readonly failAbove: number | undefined
}

/** The report of a log: nobody is asked about its keys, and no ring places them. */
export function logReporter(
  settings: Omit<ReportSettings, 'topology' | 'accesses'>,
): (run: HotKeysRun) => HotKeysReport {
  const { redaction, failAbove, ...rest } = settings
  return (run) =>
    hotKeysReport(run, {
      ...{ ...rest, topology: logNode, facts: new Map() },
      placement: { owner: () => logNode, hashTag: undefined },
      names: keyNames(redaction, randomBytes(32)),
      ...(failAbove === undefined ? {} : { failAbove }),
    })
}

/** A function, because a watch reports many times: the ring is built once, and a key's hash stays the same. */
export function hotKeysReporter(
  settings: ReportSettings,
): (run: HotKeysRun, trend?: Trend) => Promise<HotKeysReport> {
  const { topology, accesses, budget, threshold, redaction, failAbove } = settings
  const ring = buildRing(topology)
  const placement = {
    owner: (name: string) => topology.nodes[ring.ownerIndex(Buffer.from(name, 'latin1'))]!.id,
    hashTag: topology.ring.hashTag,
  }
  const names = keyNames(redaction, randomBytes(32))
  const describer = createDescriber(accesses)
  return async (run, trend) =>
    hotKeysReport(run, {
      topology: topology.name,
      budget,
      threshold,
      placement,
      names,
      facts: await describeKeys(run.estimate.keys, describer),
      ...(failAbove === undefined ? {} : { failAbove }),
      ...(trend ? { trend } : {}),
    })
}
