import * as Args from '@oclif/core/args'
import { exitCodesHelp, topologyFlag } from '../../base-command.js'
import { HotSetCommand, keyFlags, withLongNull } from '../../hotkeys-mitigation.js'
import { unsplitKey } from '../../operations/hotkeys/unsplit-key.js'
import { renderUnsplit, toUnsplitReport, type UnsplitReport } from '../../terminal/hot-set.js'

export default class HotKeysUnsplit extends HotSetCommand {
  static override summary = 'Take a split back, and see that its copies are gone.'
  static override description = [
    'Publishes the set without the key, then removes its copies and looks until none has come back for 1.5 s: by then every',
    'process that follows the store has the new set. The user needs, on ~__cachectl:copy:*, the rights of `hotkeys split` and',
    `+unlink.\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %> shop:home',
    '<%= config.bin %> <%= command.id %> --base64 c2hvcDpob21l',
  ]
  static override strict = false
  static override args = {
    key: Args.string({ ignoreStdin: true, description: 'The whole key, as it stands on its node.' }),
  }
  static override flags = { ...topologyFlag, ...keyFlags }

  async run(): Promise<UnsplitReport> {
    const { argv, flags } = await this.parse(HotKeysUnsplit, withLongNull(this.argv))
    const key = await this.keyOf(argv.map(String), flags)
    const file = await this.loadTopology(flags.topology)
    return this.withSplits(file, async (context) => {
      const { topology, board } = context
      const request = { key, hashTag: topology.ring.hashTag }
      const report = toUnsplitReport(key, board.control.name, await unsplitKey(request, context))
      this.log(renderUnsplit(report, this.screen()))
      return report
    })
  }
}
