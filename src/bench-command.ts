/** What commands that send a load share: what it runs through, and that agents are let go at the end. */
import { BaseCommand } from './base-command.js'
import { type BenchJob, type BenchLoad, createBenchLoad } from './bench-job.js'
import type { TopologyFile } from './files/topology-file.js'
import type { BenchPorts } from './operations/run-bench.js'
import { describeProgressOn } from './terminal/bench-progress.js'
import { createProgress } from './terminal/progress.js'

export abstract class BenchCommand extends BaseCommand {
  private load: BenchLoad | undefined

  /** `file`: of the topology; absent where an in-process cache is the target. */
  protected async ports(job: BenchJob, file: TopologyFile | undefined): Promise<BenchPorts> {
    const { signal } = this
    const [facts, progress] = [await this.nodeFacts(), await createProgress()]
    const { version } = this.config
    this.load = await createBenchLoad(job, signal, { file, progress, version })
    const describeProgress = describeProgressOn(process.stderr.columns)
    return { facts, load: this.load, progress, signal, describeProgress }
  }

  override async finally(error: Error | undefined): Promise<void> {
    await this.load?.close()
    await super.finally(error)
  }
}
