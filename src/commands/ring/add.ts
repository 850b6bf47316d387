import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { exitCodesHelp } from '../../base-command.js'
import { parseNewNode } from '../../files/new-node.js'
import { withNode } from '../../ring/edit-topology.js'
import { changeFlags, movingNote, RingChangeCommand } from '../../ring-change-command.js'

export default class RingAdd extends RingChangeCommand {
  static override summary = 'Add a node, and carry to it the keys that it now owns.'
  static override description = `${movingNote}\n\n${exitCodesHelp}`
  static override examples = [
    '<%= config.bin %> <%= command.id %> n4=redis://10.0.0.14:6379 --dry-run',
    '<%= config.bin %> <%= command.id %> n4=redis://10.0.0.14:6379 --weight 2 --password-env CACHE_PASSWORD --yes',
  ]
  static override args = {
    node: Args.string({ ignoreStdin: true, required: true, description: 'ID=URL of the node that joins.' }),
  }
  static override flags = {
    ...changeFlags,
    weight: Flags.integer({ summary: 'Its share relative to the others.', default: 1, min: 1, max: 1000 }),
    zone: Flags.string({ summary: 'Its zone, for replicas.' }),
    label: Flags.string({ summary: "The text hashed into its points; twemproxy's server name." }),
    username: Flags.string({ summary: 'ACL user of the node.' }),
    'password-env': Flags.string({ summary: 'The environment variable that holds its password.' }),
    'password-file': Flags.string({ summary: 'The file that holds its password.' }),
  }

  async run() {
    const { args, flags } = await this.parse(RingAdd)
    const file = await this.loadTopology(flags.topology)
    const node = parseNewNode(args.node, {
      weight: flags.weight,
      zone: flags.zone,
      label: flags.label,
      username: flags.username,
      passwordEnv: flags['password-env'],
      passwordFile: flags['password-file'],
    })
    return this.change(file, flags, (before) => withNode(before, node))
  }
}
