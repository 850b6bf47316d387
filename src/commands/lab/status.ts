import { BaseCommand, exitCodesHelp, topologyFlag } from '../../base-command.js'
import { systemClock } from '../../clock.js'
import { readPassword } from '../../files/secrets.js'
import { labDirectory, labStatus } from '../../lab/lab.js'
import type { LabResult } from '../../operations/ports.js'
import { renderLab } from '../../terminal/lab.js'

export default class LabStatus extends BaseCommand {
  static override summary = 'Say which nodes of the topology run here, and who started them.'
  static override description = exitCodesHelp
  static override examples = ['<%= config.bin %> <%= command.id %> -t topologies/local-three.yaml']
  static override flags = { ...topologyFlag }

  async run(): Promise<LabResult> {
    const { flags } = await this.parse(LabStatus)
    const { path, topology } = await this.loadTopology(flags.topology)
    const lab = {
      topology,
      directory: labDirectory(path, process.env),
      clock: systemClock,
      env: process.env,
      readPassword: (node: (typeof topology.nodes)[number]) => readPassword(node, process.env),
    }
    const result = await labStatus(lab)
    this.log(renderLab(result))
    return result
  }
}
