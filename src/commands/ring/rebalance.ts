import * as Args from '@oclif/core/args'
import { exitCodesHelp } from '../../base-command.js'
import { invalid } from '../../errors.js'
import { printable } from '../../printable.js'
import { withWeights } from '../../ring/edit-topology.js'
import { changeFlags, movingNote, RingChangeCommand } from '../../ring-change-command.js'

export default class RingRebalance extends RingChangeCommand {
  static override summary = 'Give nodes other weights, and carry the keys that change their owner.'
  static override description = `${movingNote}\n\n${exitCodesHelp}`
  static override examples = ['<%= config.bin %> <%= command.id %> n1=2 n3=4 --dry-run']
  static override strict = false
  static override args = {
    weight: Args.string({
      ignoreStdin: true,
      required: true,
      description: 'ID=WEIGHT, for one node or several.',
    }),
  }
  static override flags = changeFlags

  async run() {
    const { argv, flags } = await this.parse(RingRebalance)
    const file = await this.loadTopology(flags.topology)
    const weights = new Map(argv.map((arg) => parseWeight(String(arg))))
    return this.change(file, flags, (before) => withWeights(before, weights))
  }
}

function parseWeight(text: string): [id: string, weight: number] {
  const [, id, digits] = /^([^=]+)=(\d{1,4})$/.exec(text) ?? []
  const weight = Number(digits)
  if (id && weight >= 1 && weight <= 1000) return [id, weight]
  throw invalid(`${printable(text)}: expected ID=WEIGHT with a whole weight from 1 to 1,000, as in n1=2`)
}
