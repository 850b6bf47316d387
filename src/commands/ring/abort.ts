import { exitCodesHelp, topologyFlag } from '../../base-command.js'
import { refused } from '../../errors.js'
import { openControl } from '../../open-control.js'
import { abortChange } from '../../operations/change-ring.js'
import { RingChangeCommand } from '../../ring-change-command.js'

interface Aborted {
  readonly schema: 'cachectl/abort/v1'
  readonly epoch: number
}

export default class RingAbort extends RingChangeCommand {
  static override summary =
    'Take an unfinished change of the ring back; possible until its keys begin to move.'
  static override description = exitCodesHelp
  static override examples = ['<%= config.bin %> <%= command.id %>']
  static override flags = { ...topologyFlag }

  async run(): Promise<Aborted> {
    const { flags } = await this.parse(RingAbort)
    const file = await this.loadTopology(flags.topology)
    const control = await openControl(file)
    const stored = await control.load().finally(() => control.close())
    if (!stored) throw refused('no change of the ring is under way', 'Nothing was changed.')
    const { after } = stored.state
    const change = { file, after, lost: stored.state.lost ?? [], clients: 'follow' as const }
    const state = await this.withPorts(change, (ports) => abortChange(this.holder(), ports))
    this.log(`Taken back: the ring is as it was (epoch ${state.epoch}).`)
    return { schema: 'cachectl/abort/v1', epoch: state.epoch }
  }
}
