import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { exitCodesHelp, topologyFlag } from '../../base-command.js'
import { HotSetCommand, keyFlags, withLongNull } from '../../hotkeys-mitigation.js'
import { splitKey } from '../../operations/hotkeys/split-key.js'
import { renderSplit, type SplitReport, toSplitReport } from '../../terminal/hot-set.js'

export default class HotKeysSplit extends HotSetCommand {
  static override summary = 'Let readers of a hot key draw among its owner and copies on other nodes.'
  static override description = [
    'For a key of the cache library that is read and hardly written, and too hot for one node even when processes keep hot',
    'keys in memory. Copies live for 500 ms and are made anew by whoever reads them, so that none is older than 1 s; each is',
    'compared with its original. Refused: a ring of one node or one that is being changed, what is no value of the library',
    'and, without --force, values above 64 KB and keys of whose commands more than 10 % write (2 s of sampling). Two copies on',
    'a ring barely help: copy to all nodes, or use `publish`.\n\nThe user needs, on the key, ~__cachectl:copy:* and',
    '~__cachectl:born, the rights +hello +auth +ping +client +info +pttl +get +set +getrange +eval +evalsha +time +dbsize',
    `+scan, for the sample +monitor +command, and the rights of the control store.\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %> shop:home',
    '<%= config.bin %> <%= command.id %> shop:home --copies 3 --json',
  ]
  static override strict = false
  static override args = {
    key: Args.string({ ignoreStdin: true, description: 'The whole key, as it stands on its node.' }),
  }
  static override flags = {
    ...topologyFlag,
    copies: Flags.integer({ summary: 'Copies; default: one on every node but the owner.', min: 1 }),
    force: Flags.boolean({ summary: 'Also what is large or often written.' }),
    ...keyFlags,
  }

  async run(): Promise<SplitReport> {
    const { argv, flags } = await this.parse(HotKeysSplit, withLongNull(this.argv))
    const key = await this.keyOf(argv.map(String), flags)
    const file = await this.loadTopology(flags.topology)
    return this.withSplits(file, async (context) => {
      const { topology, isChanging, board } = context
      const request = { key, copyCount: flags.copies, force: flags.force, topology, isChanging }
      const report = toSplitReport(key, board.control.name, await splitKey(request, context))
      this.log(renderSplit(report, this.screen()))
      return report
    })
  }
}
