import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { exitCodesHelp, topologyFlag } from '../../base-command.js'
import { systemClock } from '../../clock.js'
import { keysToPublish } from '../../hotkeys-choice.js'
import { HotSetCommand, keyFlags, withLongNull } from '../../hotkeys-mitigation.js'
import { changeHotSet, clearHotSet, withLocal, withoutLocal } from '../../operations/hotkeys/publish.js'
import type { HotSetReport } from '../../terminal/hot-set.js'
import { parseDurationMs } from '../../workload/duration.js'

export default class HotKeysPublish extends HotSetCommand {
  static override summary = 'Have every process of the cache library serve hot keys from its memory.'
  static override description = [
    'Puts keys on the notice board of the control store, for --ttl; processes take it up within a second. Without keys the',
    'ring is sampled first, and the keys are published that are above the threshold beyond doubt and of whose commands 95 %',
    'read: at most n·ln n on a ring of n nodes, which is enough to even it out. A key that is there already stays for the',
    'longer of both times; split keys are left alone.\n\nKeys need the rights of the control store only; a sample those of',
    `the command hotkeys.\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> shop:home shop:menu --ttl 1h',
    'cachectl hotkeys --json > report.json; <%= config.bin %> <%= command.id %> --from report.json',
    '<%= config.bin %> <%= command.id %> - < keys.txt',
    '<%= config.bin %> <%= command.id %> --clear',
  ]
  static override strict = false
  static override args = {
    key: Args.string({
      ignoreStdin: true,
      description: 'Whole keys, as they stand on their nodes; - reads them from standard input, one a line.',
    }),
  }
  static override flags = {
    ...topologyFlag,
    ttl: Flags.string({ summary: 'For so long.', helpValue: 'TIME', default: '1h' }),
    from: Flags.string({
      summary: 'The keys of a saved `hotkeys --json` report that are to be served from memory.',
      helpValue: 'FILE',
    }),
    clear: Flags.boolean({ summary: 'Take off the keys, or all where none is given.', exclusive: ['from'] }),
    'max-time': Flags.string({ summary: 'Without keys: sample this long.', default: '10s' }),
    threshold: Flags.string({ summary: 'Without keys: those above this share.', default: '0.5%' }),
    ...keyFlags,
  }

  async run(): Promise<HotSetReport> {
    const { argv, flags } = await this.parse(HotKeysPublish, withLongNull(this.argv))
    const ttlMs = parseDurationMs(flags.ttl, '--ttl')
    const given = await this.keysOf(argv.map(String), flags)
    const file = await this.loadTopology(flags.topology)
    return this.withBoard(file, async (board) => {
      if (flags.clear) {
        const cleared = argv.length > 0 ? changeHotSet(withoutLocal(given), board) : clearHotSet(board)
        return this.show(await cleared, file, board.control)
      }
      const beforeSuspension = (close: () => void) => this.beforeSuspension(close)
      const wish = { ...flags, file, given: argv.length > 0 ? given : undefined, beforeSuspension }
      const chosen = await keysToPublish(wish, this.signal)
      const untilMs = systemClock.wallMs() + ttlMs
      const set = await changeHotSet(withLocal(chosen.keys.map((key) => ({ key, untilMs }))), board)
      return this.show(set, file, board.control, chosen)
    })
  }
}
