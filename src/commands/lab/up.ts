import { exitCodesHelp, topologyFlag } from '../../base-command.js'
import { labUp } from '../../lab/lab.js'
import { LabCommand } from '../../lab-command.js'
import type { LabResult } from '../../operations/ports.js'
import { renderLab } from '../../terminal/lab.js'

export default class LabUp extends LabCommand {
  static override summary = 'Start a real server for every node of the topology that is on this machine.'
  static override description = exitCodesHelp
  static override examples = ['<%= config.bin %> <%= command.id %> -t topologies/local-three.yaml']
  static override flags = { ...topologyFlag }

  async run(): Promise<LabResult> {
    const { flags } = await this.parse(LabUp)
    const lab = await this.openLab(flags.topology)
    const result = await labUp(lab, this.signal)
    this.log(renderLab(result))
    return result
  }
}
