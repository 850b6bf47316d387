import { join } from 'node:path'
import chalk from 'chalk'
import { BaseCommand, exitCodesHelp } from '../base-command.js'
import { systemClock } from '../clock.js'
import { runCachectl, withDemoWorkspace } from '../lab/demo-workspace.js'
import { type DemoResult, runDemo } from '../operations/run-demo.js'

export default class Demo extends BaseCommand {
  static override summary =
    'Show the whole story on local servers: ring, load, hot keys, a joining node, gates.'
  static override description =
    `Starts three real servers on free loopback ports, and takes them down at the end.\n\n${exitCodesHelp}`
  static override examples = ['<%= config.bin %> <%= command.id %>']

  async run(): Promise<DemoResult> {
    await this.parse(Demo)
    const quiet = this.jsonEnabled()
    const result = await withDemoWorkspace(async (workspace) => {
      const { directory, ...files } = workspace
      const env = { ...process.env, XDG_STATE_HOME: join(directory, 'state') }
      const short = (arg: string) => arg.replace(`${directory}/`, '')
      return runDemo(
        {
          workspace: { ...files, ringFile: short(files.ringFile), spareFile: short(files.spareFile) },
          run: (args, options) =>
            runCachectl(args, { ...options, quiet: quiet || options.quiet, directory, env }),
          announce: (title, commandLine) => {
            this.log(`\n${chalk.bold(title)}\n${chalk.cyan(`$ ${commandLine}`)}`)
          },
          nowMs: () => systemClock.nowMs(),
        },
        this.signal,
      )
    })
    this.log(
      `\nThat was cachectl: ${result.steps.length} commands in ${result.seconds.toFixed(0)} s. Try \`cachectl --help\`.`,
    )
    return result
  }
}
