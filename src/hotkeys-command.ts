/** The sampling flags of `hotkeys`, and the wiring of a run. */
import * as Flags from '@oclif/core/flags'
import type { OutputFlags } from '@oclif/core/interfaces'
import { systemClock } from './clock.js'
import { readAccess } from './files/secrets.js'
import { parsePercent } from './hotkeys/percent.js'
import { findHotKeys, type HotKeysOutcome, type HotKeysRequest } from './operations/hotkeys/find-hot-keys.js'
import type { ProgressPort } from './operations/ports.js'
import { createRandom, freshSeed } from './random.js'
import { createMonitorSource } from './redis/hotkeys/monitor-source.js'
import { createNodeProbe } from './redis/hotkeys/node-probe.js'
import { startWatchdog } from './redis/hotkeys/watchdog.js'
import type { Topology } from './ring/topology.js'
import { parseDurationMs } from './workload/duration.js'

export const rightsHelp =
  'The user needs the ACL rights +info +command +monitor +client|id +client|kill, and no key patterns (+select where a ' +
  'database is given); what is missing is said before anything is sampled. MONITOR shows values and key names to whoever ' +
  'may run it: give the rights to a short-lived user.'

export const samplingFlags = {
  source: Flags.string({
    summary: 'Where samples come from.',
    options: ['auto', 'monitor'],
    default: 'auto',
  }),
  budget: Flags.string({
    summary: "Share of each node's main thread that sampling may take; default: 1%, with --gentle 0.5%.",
    helpValue: 'SHARE',
  }),
  gentle: Flags.boolean({
    summary: 'Smaller and rarer bursts, under 0.5 % of the time: no percentile sees them.',
  }),
  'max-time': Flags.string({
    summary: 'Stop after this long; before, when enough is known.',
    helpValue: 'TIME',
    default: '20s',
  }),
  threshold: Flags.string({ summary: 'Report keys above this share of the commands.', default: '0.5%' }),
  top: Flags.integer({ summary: 'Report at most this many keys.', default: 20, min: 1, max: 1_000 }),
  force: Flags.boolean({ summary: 'Sample also where a main thread is more than 90 % busy.' }),
}

export function toHotKeysRequest(
  flags: OutputFlags<typeof samplingFlags>,
  topology: Topology,
): HotKeysRequest {
  const { gentle, threshold, top, force } = flags
  const maxTime = flags['max-time']
  return {
    ...{ topology, top, force },
    threshold: parsePercent(threshold, '--threshold'),
    budget: { gentle, share: parsePercent(flags.budget ?? (gentle ? '0.5%' : '1%'), '--budget') },
    maxMs: parseDurationMs(/^\d+$/.test(maxTime) ? `${maxTime}s` : maxTime, '--max-time'),
  }
}

/** Leaves no monitor and no watchdog behind, however it ends. */
export async function sampleHotKeys(
  request: HotKeysRequest,
  run: {
    readonly progress: ProgressPort
    readonly signal: AbortSignal
    beforeSuspension(close: () => void): void
  },
): Promise<HotKeysOutcome> {
  const accesses = await readAccess(request.topology.nodes, process.env)
  const probe = createNodeProbe(accesses, systemClock)
  const watchdog = startWatchdog(accesses)
  const monitor = createMonitorSource(accesses, { probe, watchdog, clock: systemClock })
  run.beforeSuspension(() => void monitor.close())
  try {
    return await findHotKeys(request, {
      ...{ probe, clock: systemClock, random: createRandom(freshSeed()) },
      ...{ progress: run.progress, signal: run.signal },
      sourceFor: async (facts) => {
        monitor.expect(facts)
        return monitor
      },
    })
  } finally {
    await monitor.close()
    probe.close()
    watchdog.close()
  }
}
