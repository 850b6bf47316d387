import { BaseCommand, exitCodesHelp, topologyFlag } from '../../base-command.js'
import { systemClock } from '../../clock.js'
import { readAccess } from '../../files/secrets.js'
import type { HotKeysReport } from '../../hotkeys/report.js'
import { parseSamplingFlags, parseShownFlags, samplingFlags, shownFlags } from '../../hotkeys-flags.js'
import { hotKeysReporter } from '../../hotkeys-report.js'
import { watch, windowMs } from '../../hotkeys-watch.js'
import { findHotKeys } from '../../operations/find-hot-keys.js'
import { createRandom, freshSeed } from '../../random.js'
import { createMonitor, readWrites } from '../../redis/monitor-burst.js'
import { renderHotKeys } from '../../terminal/hotkeys.js'
import { createProgress } from '../../terminal/progress.js'

export default class HotKeys extends BaseCommand {
  static override summary = 'Find the hot keys of the ring from sampled traffic, within a budget.'
  static override description = [
    'Short, counted MONITOR bursts at random times, one node at a time; a burst ends after 500 lines, 256 KiB or 20 ms.',
    "Values pass by and are never looked at. Shares are of a node's commands, with 95 % intervals that allow for",
    'traffic in waves. A key is certain when it is above the threshold beyond doubt.\n\nThe user needs the ACL',
    'rights +monitor +info +command (and +select where a database is given); +type +pttl +exists +strlen +memory|usage',
    `are used where they are granted.\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %> --top 10 --duration 20s',
    '<%= config.bin %> <%= command.id %> --budget 0.5% --json',
    '<%= config.bin %> <%= command.id %> --watch --redact prefix',
    '<%= config.bin %> <%= command.id %> --fail-above 20%',
  ]
  static override flags = {
    ...topologyFlag,
    ...samplingFlags,
    ...shownFlags,
  }

  async run(): Promise<HotKeysReport | undefined> {
    const { flags } = await this.parse(HotKeys)
    const { durationMs, budget, threshold } = parseSamplingFlags(flags)
    const { redaction, failAbove, isWatching, port } = parseShownFlags(flags)
    const { topology } = await this.loadTopology(flags.topology)
    const accesses = await readAccess(topology.nodes, process.env)
    const monitor = createMonitor(accesses, systemClock)
    this.beforeSuspension(() => monitor.close())
    const progress = await createProgress(process.stderr, !isWatching)
    const ports = { monitor, clock: systemClock, random: createRandom(freshSeed()), progress }
    const isWrite = await readWrites(accesses[0]!)
    const request = { topology, top: flags.top, budget, threshold, isWrite }
    const report = hotKeysReporter({ topology, accesses, budget, threshold, redaction, failAbove })
    if (isWatching) {
      const passed = await watch({
        sampleWindow: (tallies, signal) =>
          findHotKeys({ ...request, durationMs: windowMs, tallies: tallies ?? [] }, { ...ports, signal }),
        report,
        port,
        isJson: this.jsonEnabled(),
        write: (text) => this.write(text),
        tell: (text) => process.stderr.write(`${text}\n`),
        clock: systemClock,
        signal: this.signal,
      })
      if (!passed) this.found()
      return undefined
    }
    const run = await findHotKeys({ ...request, durationMs }, { ...ports, signal: this.signal })
    const found = await report(run)
    this.log(renderHotKeys(found, this.screen()))
    if (found.failAbove?.passed === false) this.found()
    if (run.interrupted) process.exitCode = 130
    return found
  }
}
