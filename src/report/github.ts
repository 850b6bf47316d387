/**
 * Annotations of GitHub Actions: workflow commands on standard output
 * (https://docs.github.com/actions/reference/workflow-commands-for-github-actions). One error a failed gate, one warning a
 * warning, one notice that sums the run up; GitHub shows ten of a kind a step.
 */
import { printable } from '../printable.js'
import { describeFailure, type Judged } from './judged.js'

export function toGithub({ gates, interrupted, subject, summary, warnings }: Judged): string {
  const failed = gates.filter(({ passed }) => !passed)
  const passed = gates.length > 0 ? [`${gates.length - failed.length} of ${gates.length} gates passed`] : []
  const lines = [
    ...(interrupted ? [annotation('error', subject, 'interrupted: gates were not judged')] : []),
    ...failed.map((gate) => annotation('error', `gate failed: ${gate.expression}`, describeFailure(gate))),
    ...warnings.map((warning) => annotation('warning', subject, warning)),
    annotation('notice', subject, ...summary, ...passed),
  ]
  return `${lines.join('\n')}\n`
}

/** Texts of others can't start a command of their own: no line of theirs begins a line of ours. */
export function annotation(
  level: 'error' | 'warning' | 'notice',
  title: string,
  ...lines: readonly string[]
): string {
  const message = lines.map((line) => escapeData(printable(line))).join('%0A')
  return `::${level} title=${escapeProperty(printable(title))}::${message}`
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
