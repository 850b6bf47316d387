import * as Flags from '@oclif/core/flags'
import { BaseCommand, exitCodesHelp, topologyFlag } from '../../base-command.js'
import { systemClock } from '../../clock.js'
import { readAccess } from '../../files/secrets.js'
import { parsePercent } from '../../hotkeys/percent.js'
import { autoFlags, keepHotKeysPublished } from '../../hotkeys-auto.js'
import { findHotKeys } from '../../operations/find-hot-keys.js'
import { createRandom, freshSeed } from '../../random.js'
import { createMonitor } from '../../redis/monitor-burst.js'
import { type HotKeysReport, renderHotKeys, toHotKeysReport } from '../../terminal/hotkeys.js'
import { createProgress } from '../../terminal/progress.js'
import { parseDurationMs } from '../../workload/duration.js'

export default class HotKeys extends BaseCommand {
  static override summary = 'Find the hot keys of the ring from sampled traffic, within a budget.'
  static override description = [
    'Short, counted MONITOR bursts at random times, one node at a time; a burst ends after 500 lines, 256 KiB or 20 ms.',
    "Values pass by and are never looked at. Shares are of all the ring's commands, with 95 % intervals that allow for",
    'traffic in waves. A key is reported only when it is above the threshold beyond doubt.\n\nThe user needs the ACL',
    `rights +monitor +info +command (and +select where a database is given).\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %> --top 10 --duration 20s',
    '<%= config.bin %> <%= command.id %> --budget 0.5% --json',
    '<%= config.bin %> <%= command.id %> --auto --threshold 0.5%',
  ]
  static override flags = {
    ...topologyFlag,
    top: Flags.integer({ summary: 'Report at most this many keys.', default: 20, min: 1, max: 1_000 }),
    duration: Flags.string({ summary: 'Sample this long.', default: '10s' }),
    budget: Flags.string({ summary: "Share of each node's time that sampling may take.", default: '1%' }),
    threshold: Flags.string({ summary: 'Report keys above this share of all commands.', default: '0.1%' }),
    ...autoFlags,
  }

  async run(): Promise<HotKeysReport | undefined> {
    const { flags } = await this.parse(HotKeys)
    const durationMs = parseDurationMs(
      /^\d+$/.test(flags.duration) ? `${flags.duration}s` : flags.duration,
      '--duration',
    )
    const budget = parsePercent(flags.budget, '--budget')
    const threshold = parsePercent(flags.threshold, '--threshold')
    const file = await this.loadTopology(flags.topology)
    if (flags.auto)
      return keepHotKeysPublished(
        { file, budget, threshold, window: flags.window, by: this.person(), json: this.jsonEnabled() },
        {
          signal: this.signal,
          print: (text) => this.write(text),
          onSampling: (close) => this.beforeSuspension(close),
        },
      )
    const { topology } = file
    const monitor = createMonitor(await readAccess(topology.nodes, process.env), systemClock)
    this.beforeSuspension(() => monitor.close())
    const ports = {
      monitor,
      clock: systemClock,
      random: createRandom(freshSeed()),
      progress: await createProgress(),
      signal: this.signal,
    }
    const outcome = await findHotKeys({ topology, top: flags.top, durationMs, budget, threshold }, ports)
    const report = toHotKeysReport({ topology: topology.name, budget, threshold }, outcome)
    this.log(renderHotKeys(report))
    if (outcome.interrupted) process.exitCode = 130
    return report
  }
}
