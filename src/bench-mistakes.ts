/** Flags of a load that contradict each other. */
import { cpus } from 'node:os'
import type { BenchFlags } from './bench-flags.js'
import { invalid } from './errors.js'

type Name = keyof BenchFlags

/** Why each does not go with what decides it. */
type Reasons = Readonly<Partial<Record<Name, string>>>

const notWithSearch: Reasons = {
  trace: 'a search chooses the rate, and a trace has its own',
  target: 'a search chooses the rate, and an in-process LRU has none',
  requests: 'a step lasts as long as --duration says',
  'allow-lag': 'a rate that is not kept up with is what ends the search',
  out: 'a search has no single run to store; --json prints its steps',
  report: 'a search has no single run to report; --json prints its steps',
  baseline: 'a search has no single run to compare',
}

const notInTurns: Reasons = {
  duration: 'a turn lasts as long as --slice says',
  requests: 'a turn lasts as long as --slice says',
  warmup: 'the first second of each side is its warm-up',
}

/** Of one side of `bench ab`. Errors: `invalid`. */
export function refuseInTurns(flags: BenchFlags): void {
  refuseWith(flags, 'bench ab', notInTurns)
}

function refuseWith(flags: BenchFlags, what: string, reasons: Reasons): void {
  for (const [name, reason] of Object.entries(reasons)) {
    const value = flags[name as Name]
    if (value !== undefined && value !== false) throw invalid(`${what} does not go with --${name}: ${reason}`)
  }
}

/** Errors: `invalid`: flags that say nothing together, or that a run of this kind would not heed. */
export function refuseMistakes(flags: BenchFlags): void {
  if (flags.prefix === '')
    throw invalid('--prefix is empty: the load would write over any key', 'Choose a prefix of its own.')
  if (flags.threads > cpus().length * 4)
    throw invalid(`--threads ${flags.threads}: this machine has ${cpus().length} cores`)
  if (flags.threads > flags.connections)
    throw invalid(`--threads ${flags.threads} is more than --connections ${flags.connections}`)
  if (flags.speed !== undefined && flags.trace === undefined) throw invalid('--speed needs --trace')
  if (flags['agents-timeout'] !== undefined && flags.agents === undefined)
    throw invalid('--agents-timeout needs --agents')
  if (flags['find-max']) refuseWith(flags, '--find-max', notWithSearch)
  if (flags.trace === undefined) return
  for (const name of [
    'workload',
    'keys',
    'key-bytes',
    'distribution',
    'mix',
    'read-ratio',
    'rate',
  ] as const) {
    if (flags[name] !== undefined)
      throw invalid(`--trace and --${name} exclude each other: the trace says what is asked for`)
  }
}
