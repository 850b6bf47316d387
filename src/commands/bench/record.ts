import * as Flags from '@oclif/core/flags'
import { BaseCommand, exitCodesHelp, topologyFlag } from '../../base-command.js'
import { systemClock } from '../../clock.js'
import { ExitCode } from '../../errors.js'
import { readAccess } from '../../files/secrets.js'
import { openTraceWriter } from '../../files/trace-writer.js'
import { parsePercent } from '../../hotkeys/percent.js'
import { recordTrace } from '../../operations/record-trace.js'
import { createMonitorFeeds } from '../../redis/monitor-feed.js'
import { createProgress } from '../../terminal/progress.js'
import {
  type RecordReport,
  renderForecast,
  renderRecording,
  toRecordReport,
} from '../../terminal/recording.js'
import { parseDurationMs } from '../../workload/duration.js'

const notConfirmed = 'Nothing was recorded. --yes goes on without asking.'

export default class BenchRecord extends BaseCommand {
  static override summary = 'Record live traffic of all nodes as a trace, without values.'
  static override description = [
    'MONITOR on every node at once, for a bounded time: it costs a server 2 to 3 µs for each command and about 50 ns for',
    'each byte of it. The expected cost is shown first; a node above --max-rate or --max-cost ends the recording by itself,',
    'and what was recorded is kept. Of values only the length is taken; names of keys are written as they are, unless',
    `--hash-keys is given. Needs the ACL rights +monitor +info +command +time (docs/traces.md).\n\n${exitCodesHelp}`,
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %> --duration 30s --out trace.csv.gz',
    '<%= config.bin %> <%= command.id %> --out trace.csv.gz --max-requests 1000000 --hash-keys --yes --json',
  ]
  static override flags = {
    ...topologyFlag,
    out: Flags.string({ char: 'o', summary: 'Trace file; .gz packs it.', helpValue: 'FILE', required: true }),
    duration: Flags.string({ summary: 'Record this long.', helpValue: 'TIME', default: '10s' }),
    'max-requests': Flags.integer({ summary: 'End after this many requests.', helpValue: 'N', min: 1 }),
    'max-rate': Flags.integer({ summary: 'End above this many commands a second.', default: 50_000, min: 1 }),
    'max-cost': Flags.string({ summary: "End above this share of a node's time.", default: '50%' }),
    'hash-keys': Flags.boolean({ summary: 'Write a keyed hash instead of each key; its key is not kept.' }),
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask. Required where nobody can answer (no terminal).' }),
  }

  async run(): Promise<RecordReport> {
    const { flags } = await this.parse(BenchRecord)
    const { out: path, 'hash-keys': hashKeys } = flags
    const limits = {
      durationMs: parseDurationMs(flags.duration, '--duration'),
      requestLimit: flags['max-requests'] ?? 0,
      maxRatePerSec: flags['max-rate'],
      maxCost: parsePercent(flags['max-cost'], '--max-cost'),
    }
    const { topology } = await this.loadTopology(flags.topology)
    const feeds = createMonitorFeeds(await readAccess(topology.nodes, process.env), systemClock)
    this.beforeSuspension(() => feeds.close())
    const outcome = await recordTrace(
      { topology, ...limits },
      {
        ...{ feeds, clock: systemClock, progress: await createProgress(), signal: this.signal },
        openSink: () => openTraceWriter(path, { hashKeys }),
        begun: () =>
          !this.jsonEnabled() && this.logToStderr('recording; Ctrl-C ends it and keeps what there is'),
        confirm: async (forecast) => {
          if (!this.jsonEnabled()) this.logToStderr(renderForecast(forecast))
          if (!flags.yes) await this.ask('Record now? [y/N] ', notConfirmed)
        },
      },
    )
    const report = toRecordReport({ topology: topology.name, path, hashedKeys: hashKeys }, outcome)
    this.log(renderRecording(report))
    if (report.interrupted) process.exitCode = ExitCode.interrupted
    else if (report.why) process.exitCode = ExitCode.stopped
    return report
  }
}
