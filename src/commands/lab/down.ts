import { exitCodesHelp, topologyFlag } from '../../base-command.js'
import { labDown } from '../../lab/lab.js'
import { LabCommand } from '../../lab-command.js'
import type { LabResult } from '../../operations/ports.js'
import { renderLab } from '../../terminal/lab.js'

export default class LabDown extends LabCommand {
  static override summary = 'Stop the servers that `lab up` started; others are left alone.'
  static override description = exitCodesHelp
  static override examples = ['<%= config.bin %> <%= command.id %> -t topologies/local-three.yaml']
  static override flags = { ...topologyFlag }

  async run(): Promise<LabResult> {
    const { flags } = await this.parse(LabDown)
    const lab = await this.openLab(flags.topology)
    const result = await labDown(lab)
    this.log(renderLab(result))
    return result
  }
}
