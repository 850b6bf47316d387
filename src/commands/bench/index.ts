import { BaseCommand, exitCodesHelp } from '../../base-command.js'
import { benchFlags, createBenchLoad, toBenchJob } from '../../bench-command.js'
import { ExitCode } from '../../errors.js'
import { type BenchResult, toBenchResult, toResultFile } from '../../files/bench-result.js'
import { openResultFile, type ResultFile } from '../../files/result-file.js'
import type { RunCounts } from '../../measure/run-counts.js'
import { runBench } from '../../operations/run-bench.js'
import { reportError } from '../../report-error.js'
import { renderBench } from '../../terminal/bench.js'
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

  async run(): Promise<BenchResult> {
    const { flags } = await this.parse(Bench)
    const topology =
      flags.target === undefined ? (await this.loadTopology(flags.topology)).topology : undefined
    const job = await toBenchJob(flags, topology)
    const out = flags.out === undefined ? undefined : await openResultFile(flags.out)
    try {
      let counts: RunCounts | undefined
      const outcome = await runBench(job, {
        facts: await this.nodeFacts(),
        load: await createBenchLoad(job, this.signal),
        progress: await createProgress(),
        signal: this.signal,
        onCounts: (measured) => {
          counts = measured
        },
      })
      const result = toBenchResult(job, outcome)
      this.log(renderBench(result))
      if (outcome.interrupted) process.exitCode = ExitCode.interrupted
      else if (result.gates.some((gate) => !gate.passed)) this.found()
      if (out && counts) await this.save(out, await toResultFile(result, counts))
      return result
    } finally {
      await out?.close()
    }
  }

  /** A disk that is full must not take the result with it: it is on standard output all the same. */
  private async save(out: ResultFile, result: unknown): Promise<void> {
    try {
      await out.write(result)
    } catch (error) {
      reportError(error, { json: false })
    }
  }
}
