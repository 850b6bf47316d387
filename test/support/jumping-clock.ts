/** Preloaded into the CLI: its wall clock jumps an hour on when *prepare* is published, and two back at *migrate*. */
import files from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

const hourMs = 3_600_000
const jumpsMs = [0, hourMs, -hourMs]
let published = 0

const { rename } = files
files.rename = async (from, to) => {
  await rename(from, to)
  if (String(to).endsWith('state.json')) published += 1
}
syncBuiltinESMExports()

const now = Date.now.bind(Date)
Date.now = () => now() + jumpsMs[Math.min(published, jumpsMs.length - 1)]!
