import * as Flags from '@oclif/core/flags'
import { BaseCommand, exitCodesHelp, topologyFlag } from '../../base-command.js'
import { systemClock } from '../../clock.js'
import { readAccess } from '../../files/secrets.js'
import { checkRing } from '../../operations/check-ring.js'
import { repairRing } from '../../operations/repair-ring.js'
import { moveBatch } from '../../redis/move-keys.js'
import { withNodeKeys } from '../../redis/node-keys.js'
import type { Pair } from '../../redis/pair.js'
import { buildRing } from '../../ring/build-ring.js'
import { type CheckReport, renderCheck, toCheckReport } from '../../terminal/check.js'
import { createProgress } from '../../terminal/progress.js'

export default class RingCheck extends BaseCommand {
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
    'big-key': Flags.integer({
      summary: 'With --repair: keys above this many bytes go by chunks.',
      default: 1_048_576,
      min: 1024,
    }),
  }

  async run(): Promise<CheckReport> {
    const { flags } = await this.parse(RingCheck)
    const { topology } = await this.loadTopology(flags.topology)
    const accesses = await readAccess(topology.nodes, process.env)
    const options = {
      clock: systemClock,
      signal: this.signal,
      moveBatch: (pair: Pair, keys: readonly Buffer[]) =>
        moveBatch(pair, keys, { bigKeyBytes: flags['big-key'] }),
    }
    const progress = await createProgress()
    const report = await withNodeKeys(accesses, options, async (keys) => {
      const check = { ring: buildRing(topology), keys, progress, signal: this.signal, listLimit: flags.list }
      const found = await checkRing(check)
      if (!flags.repair || found.misplacedCount === 0) return toCheckReport(topology.name, found)
      const repair = await repairRing({ ...check, clock: systemClock, concurrency: flags.connections })
      return toCheckReport(topology.name, await checkRing(check), repair)
    })
    this.log(renderCheck(report))
    if (report.misplacedCount > 0) this.found()
    return report
  }
}
