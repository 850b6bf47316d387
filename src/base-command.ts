/** What every command shares: `--json`, the topology flag, one exit for errors, Ctrl-C as an abort signal. */
import { once } from 'node:events'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { Command } from '@oclif/core/command'
import * as Flags from '@oclif/core/flags'
import { CachectlError, ExitCode, invalid, refused } from './errors.js'
import { loadTopology, type TopologyFile } from './files/topology-file.js'
import type { NodeFactsPort } from './operations/ports.js'
import { reportError, toErrorReport } from './report-error.js'

export const exitCodesHelp =
  'EXIT CODES: 0 ok, 1 a bug of ours, 2 usage or invalid input, 3 found something (gate failed, drift), ' +
  '4 a node is unreachable, 5 refused or not confirmed, 6 stopped part-way and resumable, 130 interrupted'

export const topologyFlag = {
  topology: Flags.string({
    char: 't',
    summary: 'Topology file; default: $CACHECTL_TOPOLOGY, else ./cachectl.yaml.',
    helpValue: 'FILE',
  }),
}

export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true
  private readonly abort = new AbortController()
  private readerIsGone = false

  /** Aborted by the first SIGINT or SIGTERM; a second one ends the process at once. */
  protected get signal(): AbortSignal {
    return this.abort.signal
  }

  protected override async init(): Promise<void> {
    await super.init()
    // `cachectl … | head`: the reader has gone, which ends the work; oclif would swallow it and go on
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      this.readerIsGone = true
      this.abort.abort(error)
    })
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.on(name, () => {
        if (this.abort.signal.aborted) process.exit(name === 'SIGINT' ? ExitCode.interrupted : 143)
        this.abort.abort(new CachectlError(`stopped by ${name}`, { exitCode: ExitCode.interrupted }))
      })
    }
  }

  /** Loads the topology and says on stderr which file it was, so that nobody operates the wrong fleet. */
  protected async loadTopology(flag: string | undefined): Promise<TopologyFile> {
    const [path, origin] = chooseTopology(flag, process.env.CACHECTL_TOPOLOGY)
    const file = await loadTopology(resolve(path), path).catch((error: unknown) => {
      if (origin === 'default' && isMissingFile(error)) {
        throw invalid(
          'no topology: ./cachectl.yaml does not exist',
          'Name one with --topology FILE (-t) or CACHECTL_TOPOLOGY; examples are in topologies/.',
          error,
        )
      }
      throw error
    })
    const shown =
      origin === 'flag' ? path : `${path} (${origin === 'env' ? 'from CACHECTL_TOPOLOGY' : 'default'})`
    if (!this.jsonEnabled()) this.logToStderr(`topology ${file.topology.name}: ${shown}`)
    return file
  }

  /** Asks nodes about themselves, with the secrets of this environment. */
  protected async nodeFacts(): Promise<NodeFactsPort> {
    const [{ gatherFacts }, { readAccess }] = await Promise.all([
      import('./redis/node-facts.js'),
      import('./files/secrets.js'),
    ])
    return { factsOf: async (nodes) => gatherFacts(await readAccess(nodes, process.env)) }
  }

  /** 80 columns where nobody sees how wide it is, or the terminal says 0. */
  protected screen(): { columns: number } {
    return { columns: process.stdout.columns || 80 }
  }

  /** Ctrl-Z would leave monitors that nobody reads: `close` ends them, then the process stops. */
  protected beforeSuspension(close: () => void): void {
    process.on('SIGTSTP', () => {
      close()
      setImmediate(() => process.kill(process.pid, 'SIGSTOP'))
    })
  }

  /** A question to whoever sits at the terminal. Errors: `refused` for any answer but yes, and where nobody can answer. */
  protected async ask(question: string, remedy: string): Promise<void> {
    if (!process.stdin.isTTY || !process.stderr.isTTY)
      throw refused('not confirmed: there is no terminal to ask on', remedy)
    const { createInterface } = await import('node:readline/promises')
    const lines = createInterface({ input: process.stdin, output: process.stderr })
    try {
      const answer = await lines.question(question, { signal: this.signal })
      if (!/^y(es)?$/i.test(answer.trim())) throw refused('not confirmed', remedy)
    } finally {
      lines.close()
    }
  }

  /** Who runs this command, for others. */
  protected person(): string {
    return `pid ${process.pid} on ${hostname()}`
  }

  /** Streams text to standard output; false: wait for `drained` before the next. */
  protected write(text: string): boolean {
    return process.stdout.write(text)
  }

  protected async drained(): Promise<void> {
    await once(process.stdout, 'drain', { signal: this.signal })
  }

  /** The command ran and found what it looked for: drift, a failed gate. */
  protected found(): void {
    process.exitCode = ExitCode.found
  }

  /** Somebody ended it before its time; a reader that has gone is no such end. */
  protected wasInterrupted(): void {
    if (!this.readerIsGone) process.exitCode = ExitCode.interrupted
  }

  override async catch(error: Error): Promise<void> {
    if (this.readerIsGone) return
    reportError(error, { json: this.jsonEnabled() })
  }

  protected override toErrorJson(error: unknown): unknown {
    return toErrorReport(error)
  }
}

function chooseTopology(
  flag: string | undefined,
  env: string | undefined,
): [string, 'flag' | 'env' | 'default'] {
  if (flag) return [flag, 'flag']
  if (env) return [env, 'env']
  return ['cachectl.yaml', 'default']
}

function isMissingFile(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
}
