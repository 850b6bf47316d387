import { exitCodesHelp } from '../../base-command.js'
import { BenchCommand } from '../../bench-command.js'
import { baselineFlags, openBaseline, withComparison } from '../../bench-compare.js'
import { configurationOf } from '../../bench-configuration.js'
import { benchFlags } from '../../bench-flags.js'
import { type BenchJob, toBenchJob } from '../../bench-job.js'
import { Reports, reportFlags, textsOf } from '../../bench-report.js'
import { systemClock } from '../../clock.js'
import { ExitCode } from '../../errors.js'
import { toBenchResult } from '../../files/bench-result.js'
import type { TopologyFile } from '../../files/topology-file.js'
import type { BenchResult } from '../../measure/bench-result.js'
import { type FindMaxOptions, type FindMaxResult, findMax } from '../../operations/find-max.js'
import { runBench } from '../../operations/run-bench.js'
import { renderBench } from '../../terminal/bench.js'
import { renderFindMax } from '../../terminal/find-max.js'

export default class Bench extends BenchCommand {
  static override summary = 'Load the ring, measure latency and hit ratio, judge gates.'
  static override description = [
    'By default a closed loop: connections × pipeline requests are under way, each answer sends the next request,',
    'and latencies are service times, which hide what waits while a server stalls. With --rate requests come on',
    'schedule, whatever the servers do, and response times run from when a request was due. A read that misses is',
    'followed by a write of the value, as an application would do. --workload names a preset or a YAML file',
    `(docs/workloads.md), --strategy loads through the cache library (docs/bench.md), --gate makes it a check for CI (docs/ci.md).\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %> -t topologies/local-three.yaml --distribution zipf:0.99',
    "<%= config.bin %> <%= command.id %> --fill --read-ratio 1 --gate 'p99<2ms' --gate 'hit_ratio>=0.99' --gate 'errors==0'",
    "<%= config.bin %> <%= command.id %> --baseline main.json --gate 'p99 not worse than baseline' --report text --report junit:gates.xml",
    "<%= config.bin %> <%= command.id %> -w twitter:cluster24 --rate 20k --duration 30s --gate 'p99.9<5ms'",
    "<%= config.bin %> <%= command.id %> --fill --find-max 'p99<2ms' --find-max 'errors==0'",
    '<%= config.bin %> <%= command.id %> --strategy aside --source simulated:5ms,100 --processes 4 --distribution zipf:0.99',
    "<%= config.bin %> <%= command.id %> --strategy write-through --source simulated:5ms --ttl 60s --gate 'no_wait_ratio>=0.99' --gate 'late_stale==0'",
    '<%= config.bin %> <%= command.id %> --trace requests.csv.gz --target lru:1375 --json',
  ]
  static override flags = { ...benchFlags, ...baselineFlags, ...reportFlags }

  async run(): Promise<BenchResult | FindMaxResult> {
    const { flags } = await this.parse(Bench)
    const file = flags.target === undefined ? await this.loadTopology(flags.topology) : undefined
    const job = await toBenchJob(flags, file?.topology)
    if (job.findMax) return this.findMax(job, job.findMax, file)
    const baseline = await openBaseline(flags, job)
    const reports = await Reports.open(flags, systemClock, { isJson: this.jsonEnabled() })
    try {
      const { counts, ...outcome } = await runBench(job, {
        ...(await this.ports(job, file)),
        ...reports.intervalPort(job.operations.map(({ name }) => name)),
        ...(baseline ? { baseline } : {}),
      })
      const identity = { topology: job.topology.name, seed: job.seed, configuration: configurationOf(job) }
      const result = withComparison(toBenchResult(identity, outcome), counts, baseline)
      if (outcome.interrupted) process.exitCode = ExitCode.interrupted
      else if (result.gates.some((gate) => !gate.passed)) this.found()
      for (const text of await reports.write(textsOf(result, counts, renderBench(result, this.screen()))))
        this.log(text)
      return result
    } finally {
      await reports.close()
    }
  }

  private async findMax(job: BenchJob, options: FindMaxOptions, file?: TopologyFile): Promise<FindMaxResult> {
    const result = await findMax(job, await this.ports(job, file), options)
    this.log(renderFindMax(result, this.screen()))
    if (result.interrupted) process.exitCode = ExitCode.interrupted
    else if (result.incomplete) process.exitCode = ExitCode.stopped
    else if (result.ratePerSec === null) this.found()
    return result
  }
}
