/** One run of `hotkeys`, as far as the bench judges it. */

import type { HotKeysReport } from '../../src/hotkeys/report.js'
import { runCli } from '../../test/support/cli.js'
import type { Answer } from './hot-score.js'

/** Errors: what the command said. */
export async function askHotKeys(topologyFile: string, flags: readonly string[]): Promise<Answer> {
  const { stdout, stderr, exitCode } = await runCli(['hotkeys', '-t', topologyFile, '--json', ...flags])
  if (exitCode !== 0) throw new Error(stdout + stderr)
  const report = JSON.parse(stdout) as HotKeysReport
  const { share, serverMs } = report.sampling.cost
  const fromMs = Date.parse(report.startedAt ?? '')
  return {
    window: { fromMs, toMs: fromMs + 1_000 * report.seconds },
    seconds: report.seconds,
    samples: report.samples,
    upperBound: report.upperBound,
    costShare: share,
    costMs: serverMs,
    firstCertainSeconds: report.firstCertainSeconds ?? Number.NaN,
    keys: report.keys.map(({ key, certainty, nodes }) => {
      const [{ share: nodeShare, shareLow, shareHigh } = { share: 0, shareLow: 0, shareHigh: 0 }] = nodes
      return {
        name: key,
        isCertain: certainty === 'certain',
        share: nodeShare,
        low: shareLow,
        high: shareHigh,
      }
    }),
  }
}
