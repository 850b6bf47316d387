import { exitCodesHelp, topologyFlag } from '../../base-command.js'
import { openControl } from '../../open-control.js'
import type { RingStatus } from '../../operations/ring-status.js'
import { RingStatusReader } from '../../ring-status-command.js'
import { renderStatus } from '../../terminal/status.js'

export default class RingStatusCommand extends RingStatusReader {
  static override summary =
    'Show where a change of the ring is, who is at work, who follows it, and the last steps.'
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
      const status = await this.status(file, control)
      this.log(renderStatus(status))
      return status
    } finally {
      await control.close()
    }
  }
}
