import { BaseCommand, exitCodesHelp } from '../../base-command.js'
import { baselineFlags, openBaseline, withComparison } from '../../bench-compare.js'
import { configurationOf } from '../../bench-configuration.js'
import { benchFlags } from '../../bench-flags.js'
import { createBenchLoad, toBenchJob } from '../../bench-job.js'
import { Reports, reportFlags, textsOf } from '../../bench-report.js'
import { systemClock } from '../../clock.js'
import { ExitCode } from '../../errors.js'
import { toBenchResult } from '../../files/bench-result.js'
import type { BenchResult } from '../../measure/bench-result.js'
import { runBench } from '../../operations/run-bench.js'
import { renderBench } from '../../terminal/bench.js'
import { describeProgress } from '../../terminal/bench-progress.js'
import { createProgress } from '../../terminal/progress.js'

export default class Bench extends BaseCommand {
  static override summary = 'Load the ring, measure latency and hit ratio, judge gates.'
  static override description = [
    'A closed loop: connections × pipeline requests are under way; each answer sends the next request.',
    'A read that misses is followed by a write of the value, as an application would do.',
    'Latencies are service times (from send to reply): a closed loop waits while a server stalls,',
    `so it understates what users of a stalled server see.\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %> -t topologies/local-three.yaml --distribution zipf:0.99',
    "<%= config.bin %> <%= command.id %> --fill --read-ratio 1 --gate 'p99<2ms' --gate 'hit_ratio>=0.99' --gate 'errors==0'",
    "<%= config.bin %> <%= command.id %> --baseline main.json --gate 'p99 not worse than baseline' --report text --report junit:gates.xml",
    '<%= config.bin %> <%= command.id %> --trace requests.csv.gz --target lru:1375 --json',
  ]
  static override flags = { ...benchFlags, ...baselineFlags, ...reportFlags }

  async run(): Promise<BenchResult> {
    const { flags } = await this.parse(Bench)
    const topology =
      flags.target === undefined ? (await this.loadTopology(flags.topology)).topology : undefined
    const job = await toBenchJob(flags, topology)
    const baseline = await openBaseline(flags, job)
    const reports = await Reports.open(flags, systemClock, { isJson: this.jsonEnabled() })
    try {
      const onInterval = reports.intervalsOf(job.operations.map(({ name }) => name))
      const { counts, ...outcome } = await runBench(job, {
        facts: await this.nodeFacts(),
        load: await createBenchLoad(job, this.signal),
        progress: await createProgress(),
        signal: this.signal,
        describeProgress: (now) => describeProgress(now, process.stderr.columns),
        ...(onInterval ? { onInterval } : {}),
        ...(baseline ? { baseline } : {}),
      })
      const identity = { topology: job.topology.name, seed: job.seed, configuration: configurationOf(job) }
      const result = withComparison(toBenchResult(identity, outcome), counts, baseline)
      const texts = textsOf(result, counts, renderBench(result, this.screen()))
      if (outcome.interrupted) process.exitCode = ExitCode.interrupted
      else if (result.gates.some((gate) => !gate.passed)) this.found()
      for (const text of await reports.write(texts)) this.log(text)
      return result
    } finally {
      await reports.close()
    }
  }
}
