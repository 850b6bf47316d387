import * as Flags from '@oclif/core/flags'
import { exitCodesHelp } from '../../base-command.js'
import type { TopologyFile } from '../../files/topology-file.js'
import { openControl } from '../../open-control.js'
import { mendStore } from '../../operations/mend-store.js'
import { changeFlags, movingNote, RingChangeCommand } from '../../ring-change-command.js'

export default class RingApply extends RingChangeCommand {
  static override summary = 'Bring the ring to what the topology file says, after it was edited.'
  static override description =
    `The control store knows how the ring is; the file says how it should be. On a new ring it only writes the store.\n\n${movingNote}\n\n${exitCodesHelp}`
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --yes',
  ]
  static override flags = {
    ...changeFlags,
    'mend-store': Flags.boolean({
      summary:
        'The store was rolled back or emptied: the ring is what the file says, and all its keys lie so.',
    }),
  }

  async run() {
    const { flags } = await this.parse(RingApply)
    const file = await this.loadTopology(flags.topology)
    if (flags['mend-store']) return this.mendStore(file)
    const control = await openControl(file)
    const stored = await control.load().finally(() => control.close())
    const before = stored?.state.before ?? file.topology
    return this.change({ ...file, topology: before }, flags, () => file.topology)
  }

  private async mendStore(file: TopologyFile): Promise<Mended> {
    const { topology } = file
    const { epoch } = await this.withPorts({ file, after: topology, clients: 'follow' }, (ports) =>
      mendStore({ topology, holder: this.holder() }, ports),
    )
    this.log(`The control store holds this ring again (epoch ${epoch}).`)
    return { schema: 'cachectl/mend/v1', epoch }
  }
}

interface Mended {
  readonly schema: 'cachectl/mend/v1'
  readonly epoch: number
}
