/** Starts processes of behind-worker.ts, and keeps what they say was acknowledged. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { BehindJob } from './behind-worker.js'
import { root } from './cli.js'

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

export class BehindProcess {
  /** Acknowledged puts. */
  puts = 0
  private readonly ended: Promise<unknown>

  /** `acked` gets the last value of each key that was acknowledged. */
  constructor(
    job: BehindJob,
    private readonly acked: Map<string, number>,
  ) {
    this.child = spawn(
      process.execPath,
      [join(root, 'dist/test/support/behind-worker.js'), JSON.stringify(job)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    children.add(this.child)
    const lines = createInterface({ input: this.child.stdout! })
    lines.on('line', (line) => {
      const [key, value] = line.split(' ')
      this.puts += 1
      this.acked.set(key!, Math.max(Number(value), this.acked.get(key!) ?? -1))
    })
    this.ended = Promise.all([once(this.child, 'exit'), once(lines, 'close')])
  }

  private readonly child: ChildProcess

  /** kill -9; all that it said has been read then. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
    children.delete(this.child)
  }
}
