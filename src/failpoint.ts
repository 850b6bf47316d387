/**
 * Named places where a test lets an operator die or hang: `CACHECTL_FAILPOINT=flip:kill` or `drain:stall`. They sit at
 * the journal's boundaries, and work in a checkout with built tests only, never in an installed package.
 */
import { existsSync } from 'node:fs'
import type { JournalPort } from './operations/ports.js'

export function withFailpoint(journal: JournalPort, env: NodeJS.ProcessEnv): JournalPort {
  const [step, action] = (env.CACHECTL_FAILPOINT ?? '').split(':')
  if (!step || !existsSync(new URL('../test/faults', import.meta.url))) return journal
  return {
    async record(recorded, details) {
      await journal.record(recorded, details)
      if (recorded !== step) return
      if (action === 'kill') process.kill(process.pid, 'SIGKILL')
      await new Promise(() => setInterval(() => {}, 1_000)) // until somebody ends this process
    },
  }
}
