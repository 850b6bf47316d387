import { BaseCommand, exitCodesHelp, topologyFlag } from '../../base-command.js'
import { systemClock } from '../../clock.js'
import { readJournal } from '../../files/journal.js'
import { journalPath, openControl } from '../../open-control.js'
import { type RingStatus, readStatus } from '../../operations/ring-status.js'
import { renderStatus } from '../../terminal/status.js'

const shownSteps = 8

export default class RingStatusCommand extends BaseCommand {
  static override summary = 'Show where a change of the ring is, who follows it, and the last steps.'
  static override description = exitCodesHelp
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
  ]
  static override flags = { ...topologyFlag }

  async run(): Promise<RingStatus> {
    const { flags } = await this.parse(RingStatusCommand)
    const file = await this.loadTopology(flags.topology)
    const control = await openControl(file)
    try {
      const { records, isTorn } = await readJournal(journalPath(file.path))
      if (isTorn) this.logToStderr('journal: one torn record at its end was ignored')
      const status = await readStatus(file.topology.name, {
        control,
        journal: records.slice(-shownSteps),
        wallMs: systemClock.wallMs(),
      })
      this.log(renderStatus(status))
      return status
    } finally {
      await control.close()
    }
  }
}
