import { resolve } from 'node:path'
import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { BaseCommand, exitCodesHelp, topologyFlag } from '../../base-command.js'
import { loadTopology } from '../../files/topology-file.js'
import { type Preview, previewChange } from '../../operations/preview-change.js'
import { renderPlan } from '../../terminal/plan.js'

export default class RingPlan extends BaseCommand {
  static override summary = 'Show what would move from the current topology to another. Changes nothing.'
  static override description =
    `Expected keys and bytes come from the nodes where they answer.\n\n${exitCodesHelp}`
  static override examples = [
    '<%= config.bin %> <%= command.id %> after.yaml',
    '<%= config.bin %> <%= command.id %> after.yaml --offline --json',
  ]
  static override args = {
    after: Args.string({ ignoreStdin: true, required: true, description: 'Topology file to compare with.' }),
  }
  static override flags = {
    ...topologyFlag,
    offline: Flags.boolean({ summary: 'Ask no server; show what the topologies alone say.' }),
  }

  async run(): Promise<Preview> {
    const { args, flags } = await this.parse(RingPlan)
    const { topology: before } = await this.loadTopology(flags.topology)
    const { topology: after } = await loadTopology(resolve(args.after), args.after)
    const preview = await previewChange({ before, after }, flags.offline ? undefined : await this.nodeFacts())
    this.log(renderPlan(preview))
    return preview
  }
}
