import { BaseCommand, exitCodesHelp, topologyFlag } from '../../base-command.js'
import { verifyCache } from '../../cache-verify.js'
import { cacheVerifyFlags, cacheVerifyRequest } from '../../cache-verify-flags.js'
import {
  type CacheVerifyReport,
  renderCacheVerify,
  toCacheVerifyReport,
} from '../../terminal/cache-verify.js'
import { createProgress } from '../../terminal/progress.js'

export default class CacheVerify extends BaseCommand {
  static override summary = 'Compare what the cache serves with its source of truth, for a sample of keys.'
  static override description = [
    'Looks at each key on its node and in the table; a difference is looked at again until --within has passed, because',
    'a write may be under way. Nothing is written, loaded into the cache or repaired. The password comes from PGPASSWORD',
    `or ~/.pgpass.\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %> --namespace shop --source postgres://app@db/shop --table products --key-column id',
    '<%= config.bin %> <%= command.id %> --namespace shop --table products --keys suspects.txt --json',
    '<%= config.bin %> <%= command.id %> --namespace shop --table products --sample 50000 --fail-below 0.9999',
  ]
  static override flags = { ...topologyFlag, ...cacheVerifyFlags }

  async run(): Promise<CacheVerifyReport> {
    const { flags } = await this.parse(CacheVerify)
    const request = cacheVerifyRequest(flags)
    const file = await this.loadTopology(flags.topology)
    const ports = { progress: await createProgress(), signal: this.signal }
    const report = toCacheVerifyReport(await verifyCache({ ...request, file }, ports))
    this.log(renderCacheVerify(report))
    if (report.gate?.passed === false) this.found()
    if (report.interrupted) process.exitCode = 130
    return report
  }
}
