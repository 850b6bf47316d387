/**
 * Preloaded into the CLI (`NODE_OPTIONS=--import …`): its monotonic time runs ten times as fast, so that every pause, rate
 * and time limit is a tenth of what a user waits for.
 */
import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers/promises'

const speed = 10

const now = performance.now.bind(performance)
performance.now = () => now() * speed

const { setTimeout: delay } = timers
timers.setTimeout = ((ms, value, options) => delay(Number(ms) / speed, value, options)) as typeof delay
syncBuiltinESMExports()

const { setTimeout: later } = globalThis
globalThis.setTimeout = Object.assign(
  (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => later(run, ms / speed, ...args),
  later,
) as typeof later
