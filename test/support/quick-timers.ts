/** Preloaded into the CLI (`NODE_OPTIONS=--import …`): every pause and time limit is a tenth of what it is for users. */

import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'

const factor = 0.1
const { setTimeout: delay } = timers
timers.setTimeout = ((ms, value, options) => delay(Number(ms) * factor, value, options)) as typeof delay
syncBuiltinESMExports()

const { setTimeout: later } = globalThis
globalThis.setTimeout = Object.assign(
  (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => later(run, ms * factor, ...args),
  later,
) as typeof later
