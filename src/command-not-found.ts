/** oclif's hook for a command that does not exist: what was meant, in our own style. */
import type { Hook } from '@oclif/core/hooks'
import { ExitCode, invalid } from './errors.js'
import { nearest } from './nearest-name.js'
import { printable } from './printable.js'
import { reportError } from './report-error.js'

const commandNotFound: Hook<'command_not_found'> = async function ({ id, argv, config }) {
  const given = id.replaceAll(':', ' ')
  const near = nearest(
    given,
    config.commandIDs.map((each) => each.replaceAll(':', ' ')),
  )
  const error = invalid(
    `no command ${printable(given)}`,
    near ? `Did you mean \`cachectl ${near}\`?` : '`cachectl --help` lists the commands.',
  )
  reportError(error, { json: argv?.includes('--json') === true })
  this.exit(ExitCode.invalid)
}

export default commandNotFound
