import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { BaseCommand, exitCodesHelp } from '../../base-command.js'
import { type CompareResult, compareFiles } from '../../bench-compare.js'
import { comparisonFormats, comparisonReportFlags, judgedTexts, Reports } from '../../bench-report.js'
import { systemClock } from '../../clock.js'
import { parseGate } from '../../measure/gate-parse.js'
import { describeVerdict } from '../../report/judged.js'
import { renderCompare } from '../../terminal/bench-comparison.js'

export default class BenchCompare extends BaseCommand {
  static override summary = 'Compare two stored results (bench --out), the first being the baseline.'
  static override description = [
    'Each metric before and after, with an interval and a p-value of its seconds, and whether it changed.',
    'Two stored runs are not measured in turns, and machines drift between them: the comparison says so,',
    `and \`bench ab\` is the better tool where both can be run.\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %> main.json branch.json',
    "<%= config.bin %> <%= command.id %> main.json branch.json --gate 'p99 not worse than baseline' --gate 'throughput>=baseline*0.9'",
    '<%= config.bin %> <%= command.id %> main.json branch.json --report text --report github',
  ]
  static override args = {
    before: Args.string({ description: 'Result file: the baseline.', required: true }),
    after: Args.string({ description: 'Result file that is judged.', required: true }),
  }
  static override flags = {
    force: Flags.boolean({ summary: 'Compare although the two runs asked different questions.' }),
    gate: Flags.string({
      summary: "Fail (exit 3) unless it holds of the second, e.g. 'p99 not worse than baseline'.",
      multiple: true,
      helpValue: 'EXPRESSION',
    }),
    'allow-lag': Flags.boolean({ summary: 'Judge gates although the run fell short of its schedule.' }),
    ...comparisonReportFlags,
  }

  async run(): Promise<CompareResult> {
    const { args, flags } = await this.parse(BenchCompare)
    const gates = (flags.gate ?? []).map(parseGate)
    const isJson = this.jsonEnabled()
    const reports = await Reports.open(flags, systemClock, {
      isJson,
      formats: comparisonFormats,
    })
    try {
      const result = await compareFiles(args, { gates, force: flags.force, allowLag: flags['allow-lag'] })
      if (result.gates.some(({ passed }) => !passed)) this.found()
      const judged = {
        subject: 'cachectl bench compare',
        summary: [`${result.after}: ${describeVerdict(result.comparison, result.before)}`],
        gates: result.gates,
        warnings: result.comparison.warnings,
        interrupted: false,
        seconds: 0,
      }
      const text = () => renderCompare(result, this.screen())
      const json = () => JSON.stringify(result, null, 2)
      for (const printed of await reports.write({ text, json, ...judgedTexts(judged) })) this.log(printed)
      return result
    } finally {
      await reports.close()
    }
  }
}
