import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { BaseCommand, exitCodesHelp, topologyFlag } from '../../base-command.js'
import { invalid } from '../../errors.js'
import { readKeys } from '../../files/key-stream.js'
import { keyLocator, type LocatedKey } from '../../operations/locate-keys.js'
import { type LocateResult, renderLocated, toLocateResult } from '../../terminal/locate.js'

export default class RingLocate extends BaseCommand {
  static override summary = 'Say which node owns a key. Needs no server.'
  static override description =
    `Keys are arguments, or come on standard input when there are none.\n\n${exitCodesHelp}`
  static override examples = [
    '<%= config.bin %> <%= command.id %> user:42 user:43',
    'redis-cli --scan | <%= config.bin %> <%= command.id %> --replicas 2',
    "printf 'a\\nb\\0c\\0' | <%= config.bin %> <%= command.id %> -0 --json",
  ]
  static override strict = false
  static override args = {
    key: Args.string({
      ignoreStdin: true,
      description: 'The key, as text; binary keys go through --base64 or -0.',
    }),
  }
  static override flags = {
    ...topologyFlag,
    null: Flags.boolean({
      summary: 'Also -0. Keys on standard input are separated by NUL bytes, not lines.',
    }),
    base64: Flags.boolean({ summary: 'Keys, wherever they come from, are base64.' }),
    replicas: Flags.integer({ summary: 'Name this many distinct nodes, owner first.', default: 1, min: 1 }),
  }

  async run(): Promise<LocateResult> {
    // oclif's short flags are letters only
    const args = this.argv.map((arg) => (arg === '-0' ? '--null' : arg))
    const { argv, flags } = await this.parse(RingLocate, args)
    const { topology } = await this.loadTopology(flags.topology)
    const locate = keyLocator(topology, flags.replicas)
    const decode = (key: Buffer) => (flags.base64 ? Buffer.from(key.toString('latin1'), 'base64') : key)
    const given = argv.map((key) => Buffer.from(String(key)))
    if (given.length === 0 && process.stdin.isTTY) {
      throw invalid('no key given', 'Name keys as arguments, or pipe them to standard input, one a line.')
    }
    const located: LocatedKey[] = []
    for await (const key of given.length > 0 ? given : readKeys(process.stdin, flags.null ? 'nul' : 'line')) {
      const one = locate(decode(Buffer.from(key)))
      if (this.jsonEnabled()) located.push(one)
      else if (!this.write(`${renderLocated(one)}\n`)) await this.drained()
    }
    return toLocateResult(topology.name, located)
  }
}
