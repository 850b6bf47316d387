import * as Args from '@oclif/core/args'
import { exitCodesHelp } from '../../base-command.js'
import { withoutNode } from '../../ring/edit-topology.js'
import { changeFlags, movingNote, RingChangeCommand } from '../../ring-change-command.js'

export default class RingRemove extends RingChangeCommand {
  static override summary = 'Remove a node, after carrying its keys to the nodes that stay.'
  static override description =
    `The server itself goes on running, empty.\n\n${movingNote}\n\n${exitCodesHelp}`
  static override examples = [
    '<%= config.bin %> <%= command.id %> n2',
    '<%= config.bin %> <%= command.id %> n2 --yes --json',
  ]
  static override args = {
    node: Args.string({ ignoreStdin: true, required: true, description: 'Id of the node that leaves.' }),
  }
  static override flags = changeFlags

  async run() {
    const { args, flags } = await this.parse(RingRemove)
    const file = await this.loadTopology(flags.topology)
    return this.change(file, flags, (before) => withoutNode(before, args.node))
  }
}
