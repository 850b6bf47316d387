/** The one-line meter of long work: on stderr, only on a TTY, never in the way of what is printed to stdout. */
import type { ProgressPort } from '../operations/ports.js'

const silent: ProgressPort = { update: () => {}, end: () => {} }

/** An ora spinner where somebody watches, silence elsewhere (ora prints into pipes otherwise). */
export async function createProgress(
  stream: NodeJS.WriteStream = process.stderr,
  isWanted = true,
): Promise<ProgressPort> {
  if (!isWanted || !stream.isTTY || process.env.TERM === 'dumb') return silent
  const { default: ora } = await import('ora')
  const spinner = ora({ stream, discardStdin: false, hideCursor: true })
  return {
    update: (text) => {
      spinner.text = text
      if (!spinner.isSpinning) spinner.start()
    },
    end: () => {
      spinner.stop()
    },
  }
}
