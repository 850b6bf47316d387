import * as Flags from '@oclif/core/flags'
import { BaseCommand, exitCodesHelp, topologyFlag } from '../../base-command.js'
import { readAccess } from '../../files/secrets.js'
import { type DeadLettersResult, handleDeadLetters } from '../../operations/dead-letters.js'
import { withDeadLetters } from '../../redis/dead-letters.js'

const exclusive = ['retry', 'drop', 'retry-all', 'drop-all']
const but = (own: string) => exclusive.filter((name) => name !== own)

export default class DeadLetters extends BaseCommand {
  static override summary = 'List what write-behind has given up, try it again, or drop it.'
  static override description = [
    'A value that the writer refuses for good, or that fails eight times while others go well, is put aside on its node;',
    'a later value of the same key that reaches the source takes its letter away. A listing ends with 0, with letters or',
    `without. The user needs the ACL rights +scan +time +eval +hscan +hdel on the keys ~__cachectl:*.\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %> -t topologies/local-three.yaml --namespace users',
    '<%= config.bin %> <%= command.id %> --retry user:42',
    '<%= config.bin %> <%= command.id %> --namespace users --drop-all',
  ]
  static override flags = {
    ...topologyFlag,
    namespace: Flags.string({ summary: 'Those of this cache only.', helpValue: 'NS' }),
    retry: Flags.string({
      ...{ summary: 'Let it wait for the source again, unless a newer value does; may be repeated.' },
      ...{ helpValue: 'KEY', multiple: true, multipleNonGreedy: true, exclusive: but('retry') },
    }),
    drop: Flags.string({
      ...{ summary: 'Forget it; may be repeated.', helpValue: 'KEY' },
      ...{ multiple: true, multipleNonGreedy: true, exclusive: but('drop') },
    }),
    'retry-all': Flags.boolean({ summary: 'Retry all that are listed.', exclusive: but('retry-all') }),
    'drop-all': Flags.boolean({ summary: 'Drop all that are listed.', exclusive: but('drop-all') }),
  }

  async run(): Promise<DeadLettersResult> {
    const { flags } = await this.parse(DeadLetters)
    const { topology } = await this.loadTopology(flags.topology)
    const { renderDeadLetters } = await import('../../terminal/dead-letters.js')
    const { namespace, retry, drop } = flags
    const action = retry || flags['retry-all'] ? 'retry' : drop || flags['drop-all'] ? 'drop' : 'list'
    const request = {
      ...(namespace === undefined ? {} : { namespace }),
      action,
      keys: retry ?? drop,
    } as const
    const result = await withDeadLetters(await readAccess(topology.nodes, process.env), (letters) =>
      handleDeadLetters(request, letters),
    )
    this.log(renderDeadLetters(result))
    return result
  }
}
