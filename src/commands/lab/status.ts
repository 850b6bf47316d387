import { exitCodesHelp, topologyFlag } from '../../base-command.js'
import { labStatus } from '../../lab/lab.js'
import { LabCommand } from '../../lab-command.js'
import type { LabResult } from '../../operations/ports.js'
import { renderLab } from '../../terminal/lab.js'

export default class LabStatus extends LabCommand {
  static override summary = 'Say which nodes of the topology run here, and who started them.'
  static override description = exitCodesHelp
  static override examples = ['<%= config.bin %> <%= command.id %> -t topologies/local-three.yaml']
  static override flags = { ...topologyFlag }

  async run(): Promise<LabResult> {
    const { flags } = await this.parse(LabStatus)
    const lab = await this.openLab(flags.topology)
    const result = await labStatus(lab)
    this.log(renderLab(result))
    return result
  }
}
