/** The table of targets: what was measured, beside the best rival of the same run, and whether the target holds. */
import { print } from './report.js'

export interface Target {
  readonly what: string
  readonly ours: string
  readonly rival: string
  readonly target: string
  /** undefined: printed for comparison only. */
  readonly holds: boolean | undefined
  /** By how much it misses, or what else is to be known. */
  readonly note?: string
}

const rows: Target[] = []

export function report(row: Target): void {
  rows.push(row)
  const verdict = row.holds === undefined ? '' : row.holds ? 'holds' : 'MISSES'
  print(
    `${row.what}\n  ours ${row.ours} · best rival ${row.rival} · target ${row.target} · ${verdict}${row.note ? ` · ${row.note}` : ''}`,
  )
}

/** As Markdown, at the end. */
export function printTargets(): void {
  print('\n| what | ours | best rival now | target | |\n|---|---|---|---|---|')
  for (const { what, ours, rival, target, holds, note } of rows) {
    const verdict = holds === undefined ? '' : holds ? 'holds' : 'misses'
    print(
      `| ${what} | ${ours} | ${rival} | ${target} | ${[verdict, note ?? ''].filter((text) => text !== '').join('; ')} |`,
    )
  }
}
