import * as Flags from '@oclif/core/flags'
import { exitCodesHelp, topologyFlag } from '../../base-command.js'
import { lookName } from '../../cache/ports.js'
import { systemClock } from '../../clock.js'
import { readAccess } from '../../files/secrets.js'
import { checkRing } from '../../operations/check-ring.js'
import { repairRing } from '../../operations/repair-ring.js'
import { withNodeKeys } from '../../redis/node-keys.js'
import { openConnection } from '../../redis/resp-connection.js'
import { buildRing } from '../../ring/build-ring.js'
import { bigKeyFlag, RingChangeCommand } from '../../ring-change-command.js'
import { type CheckReport, renderCheck, toCheckReport } from '../../terminal/check.js'
import { createProgress } from '../../terminal/progress.js'

export default class RingCheck extends RingChangeCommand {
  static override summary = 'Scan the nodes for keys that lie on the wrong node, or on several.'
  static override description = `Exits with 3 when it finds any.\n\n${exitCodesHelp}`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --repair',
  ]
  static override flags = {
    ...topologyFlag,
    repair: Flags.boolean({ summary: 'Carry misplaced keys to their owners, and drop equal second copies.' }),
    list: Flags.integer({ summary: 'List at most this many misplaced keys.', default: 10, min: 0 }),
    connections: Flags.integer({
      summary: 'With --repair: batches under way at once for each node.',
      default: 4,
      min: 1,
      max: 64,
    }),
    'big-key': bigKeyFlag,
  }

  async run(): Promise<CheckReport> {
    const { flags } = await this.parse(RingCheck)
    const file = await this.loadTopology(flags.topology)
    const { topology } = file
    const ring = buildRing(topology)
    const progress = await createProgress()
    const accesses = await readAccess(topology.nodes, process.env)
    const options = {
      clock: systemClock,
      signal: this.signal,
      operatorName: lookName,
      open: openConnection,
    }
    const check = () =>
      withNodeKeys(accesses, options, (keys) =>
        checkRing({ ring, keys, progress, signal: this.signal, listLimit: flags.list }),
      )
    await this.warnOfChange(file)
    const found = await check()
    let report = toCheckReport(topology.name, found)
    if (flags.repair && found.misplacedCount > 0) {
      const change = { file, after: topology, bigKeyBytes: flags['big-key'], clients: 'legacy' as const }
      const repair = await this.withPorts(change, (ports) =>
        repairRing({ ring, concurrency: flags.connections, holder: this.holder() }, ports),
      )
      report = toCheckReport(topology.name, await check(), repair)
    }
    this.log(renderCheck(report))
    if (report.misplacedCount > 0) this.found()
    return report
  }
}
