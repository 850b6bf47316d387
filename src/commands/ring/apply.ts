import { exitCodesHelp } from '../../base-command.js'
import { openControl } from '../../open-control.js'
import { changeFlags, movingNote, RingChangeCommand } from '../../ring-change-command.js'

export default class RingApply extends RingChangeCommand {
  static override summary = 'Bring the ring to what the topology file says, after it was edited.'
  static override description =
    `The control store knows how the ring is; the file says how it should be. On a new ring it only writes the store.\n\n${movingNote}\n\n${exitCodesHelp}`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --yes',
  ]
  static override flags = changeFlags

  async run() {
    const { flags } = await this.parse(RingApply)
    const file = await this.loadTopology(flags.topology)
    const control = await openControl(file)
    const stored = await control.load().finally(() => control.close())
    const before = stored?.state.before ?? file.topology
    return this.change({ ...file, topology: before }, flags, () => file.topology)
  }
}
