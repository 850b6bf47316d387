import { BaseCommand, exitCodesHelp, topologyFlag } from '../../base-command.js'
import { rightsHelp, sampleHotKeys, samplingFlags, toHotKeysRequest } from '../../hotkeys-command.js'
import { type HotKeysReport, renderHotKeys, toHotKeysReport } from '../../terminal/hotkeys.js'
import { createProgress } from '../../terminal/progress.js'

export default class HotKeys extends BaseCommand {
  static override summary = 'Find the hot keys of the ring from sampled traffic, within a budget.'
  static override description = [
    'Short, counted MONITOR bursts at random times, one node at a time, until enough is known; a burst ends after 50 to 500',
    'lines, 256 KiB or 20 ms, and a watchdog process ends it where we do not. Values pass by and are never looked at. Shares',
    'have 95 % intervals that allow for traffic in waves. A key is reported only when it is above the threshold beyond',
    `doubt. Keys of other databases than the node's are left out; their commands count as the node's load.\n\n${rightsHelp}\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %> --top 10',
    '<%= config.bin %> <%= command.id %> --gentle --max-time 60s --json',
  ]
  static override flags = { ...topologyFlag, ...samplingFlags }

  async run(): Promise<HotKeysReport> {
    const { flags } = await this.parse(HotKeys)
    const { topology } = await this.loadTopology(flags.topology)
    const request = toHotKeysRequest(flags, topology)
    const outcome = await sampleHotKeys(request, {
      progress: await createProgress(),
      signal: this.signal,
      beforeSuspension: (close) => this.beforeSuspension(close),
    })
    const { threshold, budget } = request
    const report = toHotKeysReport({ topology: topology.name, budget: budget.share, threshold }, outcome)
    this.log(renderHotKeys(report))
    if (outcome.interrupted) process.exitCode = 130
    return report
  }
}
