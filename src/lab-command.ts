/** What `lab up`, `status` and `down` share: the lab of the topology. */
import { BaseCommand } from './base-command.js'
import { systemClock } from './clock.js'
import { readPassword } from './files/secrets.js'
import { type Lab, labDirectory } from './lab/lab.js'

export abstract class LabCommand extends BaseCommand {
  protected async openLab(topologyFlag: string | undefined): Promise<Lab> {
    const { path, topology } = await this.loadTopology(topologyFlag)
    return {
      topology,
      directory: labDirectory(path, process.env),
      clock: systemClock,
      env: process.env,
      readPassword: (node) => readPassword(node, process.env),
    }
  }
}
