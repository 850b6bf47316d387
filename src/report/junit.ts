/**
 * Gates as test cases in the JUnit format that CI servers show (the schema of Ant's junitreport task, as Jenkins and
 * GitLab read it). An interrupted run is an error: a file without a failure would say that all is well.
 */
import { printable } from '../printable.js'
import { describeFailure, type Judged } from './judged.js'

export function toJunit({ gates, interrupted, seconds, subject, summary, warnings }: Judged): string {
  const failures = gates.filter(({ passed }) => !passed).length
  const cases = gates.map((gate) => {
    const start = `    <testcase classname="${escapeXml(subject)}" name="${escapeXml(gate.expression)}"`
    if (gate.passed) return `${start}/>`
    const message = escapeXml(describeFailure(gate))
    return `${start}>\n      <failure type="gate" message="${message}">${message}</failure>\n    </testcase>`
  })
  if (interrupted) {
    cases.push(
      `    <testcase classname="${escapeXml(subject)}" name="the run">\n      <error type="interrupted" message="interrupted: gates were not judged"/>\n    </testcase>`,
    )
  }
  const counts = `tests="${cases.length}" failures="${failures}" errors="${interrupted ? 1 : 0}" time="${seconds.toFixed(3)}"`
  const notes = [...summary, ...warnings.map((warning) => `warning: ${warning}`)]
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${escapeXml(subject)}" skipped="0" ${counts}>`,
    ...cases,
    `    <system-out>${notes.map(escapeXml).join('\n')}</system-out>`,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

/** XML 1.0 has no way to write most control characters, so they are shown; U+FFFE and U+FFFF neither. */
function escapeXml(text: string): string {
  return printable(text)
    .replace(/[\ufffe\uffff]/g, (char) => `\\u{${char.charCodeAt(0).toString(16)}}`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;')
}
