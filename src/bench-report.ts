/**
 * Where a result goes: standard output, a result file, reports. Files are opened before the run, so that what can't be
 * written is known before the load; what fails afterwards is told, and the rest goes on.
 */
import { stripVTControlCharacters } from 'node:util'
import * as Flags from '@oclif/core/flags'
import type { Clock } from './clock.js'
import { invalid } from './errors.js'
import { toResultFile } from './files/bench-result-file.js'
import { type Hlog, openHlog } from './files/hlog.js'
import { openResultFile, type ResultFile, toJsonText } from './files/result-file.js'
import type { BenchResult } from './measure/bench-result.js'
import type { RunCounts } from './measure/run-counts.js'
import type { LoadInterval } from './operations/ports.js'
import { printable } from './printable.js'
import { toCsv } from './report/csv.js'
import { toGithub } from './report/github.js'
import { type Judged, judgedRun } from './report/judged.js'
import { toJunit } from './report/junit.js'
import { toPrometheus } from './report/prometheus.js'
import { reportError } from './report-error.js'

export const reportFlags = {
  report: Flags.string({
    helpValue: 'FORMAT[:FILE]',
    multiple: true,
    summary:
      'text, json, csv, junit, github, prometheus or hlog:FILE; without FILE it is printed in place of the text.',
  }),
}

/** What fits a comparison: there is no one run whose seconds a table could hold. */
export const comparisonFormats = ['text', 'json', 'junit', 'github'] as const

export const comparisonReportFlags = {
  report: Flags.string({
    helpValue: 'FORMAT[:FILE]',
    multiple: true,
    summary: 'text, json, junit or github; without FILE it is printed in place of the text.',
  }),
}

export interface ReportFlags {
  readonly report?: readonly string[] | undefined
  readonly out?: string | undefined
}

const formats = ['text', 'json', 'csv', 'junit', 'github', 'prometheus', 'hlog'] as const
type Format = (typeof formats)[number]

interface Wish {
  readonly format: Format
  readonly path?: string
}

interface Report {
  readonly format: Format
  /** Absent: standard output. */
  readonly file?: ResultFile
}

export interface ReportSettings {
  /** With `--json` standard output is taken. */
  readonly isJson: boolean
  /** Those that fit what is reported; default all. */
  readonly formats?: readonly Format[]
}

/** What each format says; made when it is needed. */
type Texts = Readonly<Partial<Record<Format, () => string | Promise<string>>>>

export class Reports {
  private constructor(
    private readonly reports: readonly Report[],
    private readonly hlog: Hlog | undefined,
  ) {}

  /** Errors: `invalid` for a format that is none, and for a file that can't be opened. */
  static async open(flags: ReportFlags, clock: Clock, settings: ReportSettings): Promise<Reports> {
    const wishes = (flags.report ?? []).map((text) => parseWish(text, settings))
    const reports: Report[] = []
    let hlog: Hlog | undefined
    try {
      for (const { format, path } of wishes) {
        if (format === 'hlog' && hlog) throw invalid('--report hlog is given twice')
        if (format === 'hlog') hlog = await openHlog(path!, clock)
        else reports.push({ format, ...(path === undefined ? {} : { file: await openResultFile(path) }) })
      }
      if (flags.out !== undefined) reports.push({ format: 'json', file: await openResultFile(flags.out) })
    } catch (error) {
      await new Reports(reports, hlog).close()
      throw error
    }
    if (reports.every(({ file }) => file !== undefined)) reports.push({ format: 'text' })
    return new Reports(reports, hlog)
  }

  /** What wants each second of the run as it passes; empty: nobody does. */
  intervalPort(operationNames: readonly string[]): { onInterval?: (interval: LoadInterval) => void } {
    const { hlog } = this
    if (!hlog) return {}
    return {
      onInterval: ({ startSec, seconds, histograms }) => {
        for (const [op, counts] of histograms.entries())
          hlog.interval({ startSec, seconds, op: operationNames[op]!, counts })
      },
    }
  }

  /** Writes the files; what stands on standard output is returned. */
  async write(texts: Texts): Promise<string[]> {
    const printed: string[] = []
    for (const { format, file } of this.reports) {
      const text = await texts[format]?.()
      if (text === undefined) continue
      if (file) await tellFailure(() => file.write(endLine(stripVTControlCharacters(text))))
      else printed.push(text.replace(/\n$/, ''))
    }
    if (this.hlog) {
      const { hlog } = this
      await tellFailure(() => hlog.close())
    }
    return printed
  }

  async close(): Promise<void> {
    await Promise.all(this.reports.map(({ file }) => file?.close()))
    // what could not be written has been told by then
    await this.hlog?.close().catch(() => undefined)
  }
}

/** `text`: what people see. */
export function textsOf(result: BenchResult, counts: RunCounts, text: string): Texts {
  return {
    text: () => text,
    json: async () => toJsonText(await toResultFile(result, counts)),
    csv: () => toCsv(counts),
    prometheus: () => toPrometheus(result),
    ...judgedTexts(judgedRun(result)),
  }
}

export function judgedTexts(judged: Judged): Texts {
  return { junit: () => toJunit(judged), github: () => toGithub(judged) }
}

function parseWish(text: string, { isJson, formats: fitting = formats }: ReportSettings): Wish {
  const [, name, path] = /^([a-z]+)(?::(.*))?$/s.exec(text) ?? []
  const format = fitting.find((each) => each === name)
  if (format === undefined || path === '')
    throw invalid(
      `--report ${printable(text)}: expected FORMAT or FORMAT:FILE, FORMAT one of ${fitting.join(', ')}`,
    )
  if (path !== undefined) return { format, path }
  if (format === 'hlog') throw invalid('--report hlog: it needs a file, as in hlog:run.hlog')
  if (isJson)
    throw invalid(
      `--report ${format} and --json both print to standard output`,
      `Name a file: ${format}:FILE.`,
    )
  return { format }
}

async function tellFailure(body: () => Promise<void>): Promise<void> {
  try {
    await body()
  } catch (error) {
    reportError(error, { json: false })
  }
}

function endLine(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}
