/** Flags of how hot keys are sampled and how they are shown. */
import * as Flags from '@oclif/core/flags'
import { parsePercent } from './hotkeys/percent.js'
import { type Redaction, redactions } from './hotkeys/redaction.js'
import { parseDurationMs } from './workload/duration.js'

export const samplingFlags = {
  top: Flags.integer({ summary: 'Report at most this many keys.', default: 20, min: 1, max: 1_000 }),
  duration: Flags.string({ summary: 'Sample at most this long.', default: '20s' }),
  budget: Flags.string({ summary: "Share of each node's time that sampling may take.", default: '1%' }),
  threshold: Flags.string({
    summary: "Report keys above this share of a node's commands.",
    default: '0.5%',
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
export function parseSamplingFlags(flags: { duration: string; budget: string; threshold: string }) {
  const durationMs = parseDurationMs(
    /^\d+$/.test(flags.duration) ? `${flags.duration}s` : flags.duration,
    '--duration',
  )
  const budget = parsePercent(flags.budget, '--budget')
  const threshold = parsePercent(flags.threshold, '--threshold')
  return { durationMs, budget, threshold }
}
