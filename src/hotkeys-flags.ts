/** Flags of how hot keys are sampled and how they are shown. */
import * as Flags from '@oclif/core/flags'
import type { OutputFlags } from '@oclif/core/interfaces'
import { invalid } from './errors.js'
import { parsePercent } from './hotkeys/percent.js'
import { type Redaction, redactions } from './hotkeys/redaction.js'
import type { SamplingOptions } from './hotkeys/sampling-options.js'
import { parseDurationMs } from './workload/duration.js'

const sources = ['auto', 'native', 'monitor', 'slowlog', 'tracking', 'lfu'] as const

export const samplingFlags = {
  source: Flags.string({
    summary: 'Where samples come from; auto takes the best that each node has, and says why.',
    options: [...sources, 'log'],
    default: 'auto',
  }),
  log: Flags.string({
    summary: 'A saved MONITOR log (plain or gzip), or - for standard input, in place of servers.',
    helpValue: 'FILE',
    exclusive: ['watch', 'prometheus', 'auto'],
  }),
  budget: Flags.string({
    summary: "Share of each node's main thread that sampling may take; default: 1%, with --gentle 0.5%.",
    helpValue: 'SHARE',
  }),
  gentle: Flags.boolean({
    summary: 'Smaller and rarer bursts, under 0.5 % of the time: no percentile sees them.',
  }),
  'max-time': Flags.string({
    summary: 'Stop after this long; before, when enough is known.',
    helpValue: 'TIME',
    default: '20s',
  }),
  threshold: Flags.string({
    summary: "Report keys above this share of a node's commands.",
    default: '0.5%',
  }),
  top: Flags.integer({ summary: 'Report at most this many keys.', default: 20, min: 1, max: 1_000 }),
  force: Flags.boolean({
    summary: 'Sample also where a main thread is more than 90 % busy, or a command costs too much.',
  }),
  'allow-slowlog-loss': Flags.boolean({
    summary:
      "Allow the source slowlog, which pushes the slow log's entries out: they are saved to a file first.",
  }),
  'allow-config': Flags.boolean({
    summary: "Allow settings to be changed for the run: Valkey's own detection, when it is off.",
  }),
}

export const shownFlags = {
  'fail-above': Flags.string({
    summary: "Exit 3 if a key is certain to have more than this share of its node's commands.",
    helpValue: '20%',
  }),
  redact: Flags.string({
    summary:
      "Show keyed hashes in place of names, or of what follows a name's last delimiter; hashes differ from run to run.",
    options: [...redactions],
  }),
  watch: Flags.boolean({
    summary: 'Go on until q or Ctrl-C: a live view; a JSON line every 2 s with --json or without a terminal.',
  }),
  prometheus: Flags.integer({
    summary: 'Watch, and serve gauges at http://127.0.0.1:PORT/metrics; 0 takes a free one and prints it.',
    helpValue: 'PORT',
    min: 0,
    max: 65_535,
  }),
}

export interface ShownFlags {
  readonly 'fail-above'?: string | undefined
  readonly redact?: string | undefined
  readonly watch: boolean
  readonly prometheus?: number | undefined
}

/** Errors: `invalid`, naming the flag. */
export function parseShownFlags(flags: ShownFlags) {
  const failAbove = flags['fail-above']
  return {
    failAbove: failAbove === undefined ? undefined : parsePercent(failAbove, '--fail-above'),
    redaction: redactions.find((each): each is Redaction => each === flags.redact),
    isWatching: flags.watch || flags.prometheus !== undefined,
    port: flags.prometheus,
  }
}

/** Errors: `invalid`, naming the flag. */
export function parseSamplingFlags(flags: OutputFlags<typeof samplingFlags>): SamplingOptions {
  const { gentle, threshold, top, force } = flags
  if (flags.source === 'log' && flags.log === undefined)
    throw invalid('--source log: name the log', 'Pass --log FILE, or --log - for standard input.')
  return {
    ...{ top, force },
    source: sources.find((each) => each === flags.source) ?? 'auto',
    threshold: parsePercent(threshold, '--threshold'),
    budget: { gentle, share: parsePercent(flags.budget ?? (gentle ? '0.5%' : '1%'), '--budget') },
    maxMs: parseMaxTime(flags['max-time']),
    allowSlowlogLoss: flags['allow-slowlog-loss'],
    allowConfig: flags['allow-config'],
  }
}

/** Plain numbers are seconds. Errors: `invalid`. */
export function parseMaxTime(text: string): number {
  const ms = parseDurationMs(/^\d+$/.test(text) ? `${text}s` : text, '--max-time')
  if (ms <= 0) throw invalid(`--max-time ${text}: nothing can be sampled in no time`)
  return ms
}

export const rightsHelp =
  'The user needs the ACL rights +info +command +monitor +client|id +client|kill, and no key patterns (+select where a ' +
  'database is given); +type +pttl +exists +strlen +memory|usage on the keys are used where they are granted. What is ' +
  'missing is said before anything is sampled. Other sources need other rights: native +hotkeys; slowlog +slowlog ' +
  '+config|get +config|set +multi +exec; tracking +hello +client|tracking +client|id +client|kill; lfu +scan ' +
  '+object|freq +dbsize. MONITOR shows ' +
  'values and key names to whoever may run it: give the rights to a short-lived user.'
