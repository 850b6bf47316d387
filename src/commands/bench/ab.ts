import * as Flags from '@oclif/core/flags'
import { parse } from '@oclif/core/parser'
import { BaseCommand, exitCodesHelp } from '../../base-command.js'
import { loadFlags } from '../../bench-flags.js'
import { type AbResult, openSides, protectSides, sideNames, toAbResult } from '../../bench-sides.js'
import { ExitCode } from '../../errors.js'
import { runAb } from '../../operations/run-ab.js'
import { renderCompare } from '../../terminal/bench-comparison.js'
import { parseDurationMs } from '../../workload/duration.js'

export default class BenchAb extends BaseCommand {
  static override summary = 'Compare two targets or settings in one session, in turns: A B B A.'
  static override description = [
    'Machines drift: the same build measured twice differs by ten per cent and more. Measured in turns, A and B drift',
    'together, and each pair of slices gives one ratio. Exit 3 when B is worse than A: significantly, and by more than',
    '--minimum-effect. All other flags are those of bench and hold for both sides.',
    'Not with --strategy: caches live on in the other side’s turns, their entries expire; compare two runs of bench.',
    `Nor with --agents.\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    "<%= config.bin %> <%= command.id %> --fill --a '-t before.yaml' --b '-t after.yaml'",
    "<%= config.bin %> <%= command.id %> -t cachectl.yaml --fill --a '--pipeline 1' --b '--pipeline 8' --pairs 20",
    "<%= config.bin %> <%= command.id %> -t cachectl.yaml --rate 20k --a '--value-bytes 100' --b '--value-bytes 1k' --json",
  ]
  static override flags = {
    ...loadFlags,
    // refused with the reason
    duration: Flags.string({ hidden: true }),
    requests: Flags.string({ char: 'n', hidden: true }),
    warmup: Flags.string({ hidden: true }),
    a: Flags.string({
      helpValue: 'FLAGS',
      summary: "What A has of its own, as in '-t before.yaml'.",
      default: '',
    }),
    b: Flags.string({ helpValue: 'FLAGS', summary: 'What B has of its own.', default: '' }),
    pairs: Flags.integer({ helpValue: 'N', summary: 'Pairs of slices.', default: 20, min: 8, max: 1_000 }),
    slice: Flags.string({
      helpValue: 'TIME',
      summary: 'Of each side in each pair; taken in turns of 50 ms.',
      default: '1.5s',
    }),
    'minimum-effect': Flags.string({
      helpValue: 'SHARE',
      summary: 'A change smaller than this is none.',
      default: '0.05',
    }),
  }

  async run(): Promise<AbResult> {
    const { flags, raw } = await this.parse(BenchAb, protectSides(this.argv))
    const sliceMs = parseDurationMs(flags.slice, '--slice')
    const sides = await openSides({
      tokens: raw,
      flags,
      parse: (argv) => parse(argv, { flags: loadFlags }),
      topologyOf: async (path) => (await this.loadTopology(path)).topology,
      facts: await this.nodeFacts(),
      signal: this.signal,
    })
    const outcome = await runAb(sides, { pairs: flags.pairs, sliceMs })
    const result = toAbResult(outcome, flags)
    this.log(renderCompare({ comparison: result.comparison, gates: [], ...sideNames(flags) }, this.screen()))
    if (outcome.interrupted) process.exitCode = ExitCode.interrupted
    else if (result.comparison.verdict === 'worse') this.found()
    return result
  }
}
