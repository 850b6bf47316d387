import * as Flags from '@oclif/core/flags'
import { BaseCommand, exitCodesHelp, topologyFlag } from '../../base-command.js'
import { type ShownRing, showRing } from '../../operations/show-ring.js'

export default class RingShow extends BaseCommand {
  static override summary = 'Show the nodes, their shares of the ring, and what they hold.'
  static override description =
    `Nodes that do not answer are shown as such; the exit code stays 0.\n\n${exitCodesHelp}`
  static override examples = [
    '<%= config.bin %> <%= command.id %> -t topologies/local-three.yaml',
    '<%= config.bin %> <%= command.id %> --offline --json',
  ]
  static override flags = {
    ...topologyFlag,
    offline: Flags.boolean({ summary: 'Ask no server; show what the topology alone says.' }),
  }

  async run(): Promise<ShownRing> {
    const { flags } = await this.parse(RingShow)
    const { topology } = await this.loadTopology(flags.topology)
    const { renderRing } = await import('../../terminal/ring.js')
    const shown = await showRing(topology, flags.offline ? undefined : await this.nodeFacts())
    this.log(renderRing(shown))
    return shown
  }
}
