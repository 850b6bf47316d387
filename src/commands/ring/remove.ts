import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { exitCodesHelp } from '../../base-command.js'
import { refused } from '../../errors.js'
import { withoutNode } from '../../ring/edit-topology.js'
import type { Topology } from '../../ring/topology.js'
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
  static override flags = {
    ...changeFlags,
    dead: Flags.boolean({ summary: 'The node is gone: nothing is carried, what it held is lost.' }),
  }

  async run() {
    const { args, flags } = await this.parse(RingRemove)
    const file = await this.loadTopology(flags.topology)
    if (flags.dead) await this.refuseAlive(file.topology, args.node)
    return this.change(
      file,
      flags,
      (before) => withoutNode(before, args.node),
      flags.dead ? { lost: [args.node] } : {},
    )
  }

  private async refuseAlive({ nodes }: Topology, id: string): Promise<void> {
    const node = nodes.find((each) => each.id === id)
    if (!node) return
    const [facts] = await (await this.nodeFacts()).factsOf([node])
    if (facts?.reachable)
      throw refused(`node ${id} answers`, 'Remove it without --dead, and its keys are kept.')
  }
}
