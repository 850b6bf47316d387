import { BaseCommand, exitCodesHelp, topologyFlag } from '../../base-command.js'
import { systemClock } from '../../clock.js'
import type { HotKeysReport } from '../../hotkeys/report.js'
import { autoFlags, keepHotKeysPublished } from '../../hotkeys-auto.js'
import {
  parseSamplingFlags,
  parseShownFlags,
  rightsHelp,
  samplingFlags,
  shownFlags,
} from '../../hotkeys-flags.js'
import { findHotKeys, watchRing } from '../../hotkeys-run.js'

export default class HotKeys extends BaseCommand {
  static override summary = 'Find the hot keys of the ring from sampled traffic, within a budget.'
  static override description = [
    'Short, counted MONITOR bursts at random times, one node at a time, until enough is known, or what else a node offers',
    '(--source); a burst ends after 50 to 500 lines, 256 KiB or 20 ms, and a watchdog process ends it where we do not.',
    "Values pass by and are never looked at. Shares are of a node's commands, with 95 % intervals that allow for traffic in",
    "waves; a key is certain when it is above the threshold beyond doubt. Keys of other databases than the node's are left",
    `out; their commands count as the node's load.\n\n${rightsHelp}\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %> --top 10',
    '<%= config.bin %> <%= command.id %> --gentle --max-time 60s --json',
    '<%= config.bin %> <%= command.id %> --watch --redact prefix',
    '<%= config.bin %> <%= command.id %> --fail-above 20%',
    '<%= config.bin %> <%= command.id %> --auto',
    'redis-cli monitor | <%= config.bin %> <%= command.id %> --log -',
  ]
  static override flags = { ...topologyFlag, ...samplingFlags, ...shownFlags, ...autoFlags }

  async run(): Promise<HotKeysReport | undefined> {
    const { flags } = await this.parse(HotKeys)
    const sampling = parseSamplingFlags(flags)
    const shown = parseShownFlags(flags)
    const output = {
      ...{ signal: this.signal, isJson: this.jsonEnabled(), clock: systemClock },
      write: (text: string) => this.write(text),
      tell: (text: string) => void process.stderr.write(`${text}\n`),
      print: (report: string) => this.log(report),
      screen: () => this.screen(),
      beforeSuspension: (close: () => void) => this.beforeSuspension(close),
    }
    const request = { sampling, shown, log: flags.log }
    const file = flags.log === undefined ? await this.loadTopology(flags.topology) : undefined
    if (file && flags.auto)
      return keepHotKeysPublished({ file, sampling, window: flags.window, by: this.person() }, output)
    if (file && shown.isWatching) {
      const { passed, interrupted } = await watchRing({ ...request, file }, output)
      if (interrupted) this.wasInterrupted()
      if (!passed) this.found()
      return undefined
    }
    const report = await findHotKeys({ ...request, file }, output)
    if (report.failAbove?.passed === false) this.found()
    if (report.interrupted) this.wasInterrupted()
    return report
  }
}
