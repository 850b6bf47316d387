import { mkdir } from 'node:fs/promises'
import { BaseCommand, exitCodesHelp } from '../../base-command.js'
import { type BenchAgentResult, runBenchAgent } from '../../bench-agents.js'
import { joinFlags } from '../../bench-flags.js'
import { ExitCode, stopped, toldError } from '../../errors.js'

export default class BenchAgent extends BaseCommand {
  static override summary = 'Generate load for `bench --agents N` runs of another machine.'
  static override description = [
    'Waits at the control store of the runs for an invitation, takes its share of each load, starts with the others and',
    'hands over what it counted. Nodes, keys and rates come from the run; passwords are read from this machine, as the',
    'topology of the run says (passwordEnv, passwordFile). Whoever may write to the control store can make an agent send',
    `load, with those passwords: guard it.\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %> --join redis://10.0.0.5:6400',
    'STORE_PASSWORD=… <%= config.bin %> <%= command.id %> --join etcd://10.0.0.5:2379 --username bench --password-env STORE_PASSWORD --once',
  ]
  static override flags = joinFlags

  async run(): Promise<BenchAgentResult> {
    const { flags } = await this.parse(BenchAgent)
    const {
      join: url,
      username,
      'password-env': passwordEnv,
      'password-file': passwordFile,
      once,
      out,
    } = flags
    if (out !== undefined) await mkdir(out, { recursive: true })
    const result = await runBenchAgent({
      control: { url, username, passwordEnv, passwordFile },
      version: this.config.version,
      once,
      outFolder: out,
      signal: this.signal,
      tell: (line) => this.logToStderr(line),
    })
    if (this.signal.aborted) process.exitCode = ExitCode.interrupted
    else if (result.failure) throw toldError(result.failure)
    else if (result.end === 'silent') throw stopped('the coordinator fell silent', 'Start the run again.')
    return result
  }
}
