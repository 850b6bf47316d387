import { BaseCommand, exitCodesHelp } from '../../base-command.js'
import { benchFlags } from '../../bench-flags.js'
import { type BenchJob, createBenchLoad, toBenchJob } from '../../bench-job.js'
import { BenchReports, configurationOf } from '../../bench-report.js'
import { ExitCode } from '../../errors.js'
import { toBenchResult } from '../../files/bench-result.js'
import type { BenchResult } from '../../measure/bench-result.js'
import { type FindMaxOptions, type FindMaxResult, findMax } from '../../operations/find-max.js'
import { type BenchPorts, runBench } from '../../operations/run-bench.js'
import { renderBench } from '../../terminal/bench.js'
import { describeProgress } from '../../terminal/bench-progress.js'
import { renderFindMax } from '../../terminal/find-max.js'
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
    '<%= config.bin %> <%= command.id %> --trace requests.csv.gz --target lru:1375 --json',
  ]
  static override flags = benchFlags

  async run(): Promise<BenchResult | FindMaxResult> {
    const { flags } = await this.parse(Bench)
    const topology =
      flags.target === undefined ? (await this.loadTopology(flags.topology)).topology : undefined
    const job = await toBenchJob(flags, topology)
    if (job.findMax) return this.findMax(job, job.findMax)
    const reports = await BenchReports.open(flags)
    try {
      const { counts, ...outcome } = await runBench(job, await this.ports(job))
      const { name } = job.topology
      const result = toBenchResult(
        { topology: name, seed: job.seed, configuration: configurationOf(job) },
        outcome,
      )
      this.log(renderBench(result, this.screen()))
      if (outcome.interrupted) process.exitCode = ExitCode.interrupted
      else if (result.gates.some((gate) => !gate.passed)) this.found()
      await reports.write({ result, counts })
      return result
    } finally {
      await reports.close()
    }
  }

  private async findMax(job: BenchJob, options: FindMaxOptions): Promise<FindMaxResult> {
    const outcome = await findMax(job, await this.ports(job), options)
    this.log(renderFindMax(outcome, this.screen()))
    if (outcome.interrupted) process.exitCode = ExitCode.interrupted
    else if (outcome.ratePerSec === null) this.found()
    return {
      schema: 'cachectl/find-max/v1',
      gates: job.gates.map(({ expression }) => expression),
      ...outcome,
    }
  }

  private async ports(job: BenchJob): Promise<BenchPorts> {
    return {
      facts: await this.nodeFacts(),
      load: await createBenchLoad(job, this.signal),
      progress: await createProgress(),
      signal: this.signal,
      describeProgress,
    }
  }
}
