/** The two sides of `bench ab`: what both have in common stands once, what differs in --a and --b. */
import { parseArgsStringToArgv } from 'string-argv'
import type { BenchFlags } from './bench-flags.js'
import { createBenchLoad, toBenchJob } from './bench-job.js'
import { refuseInTurns } from './bench-mistakes.js'
import { parseShare } from './bench-workload.js'
import { systemClock } from './clock.js'
import { CachectlError, invalid } from './errors.js'
import { readAccess } from './files/secrets.js'
import { comparePairs, type SlicePair } from './measure/compare-pairs.js'
import type { Comparison } from './measure/comparison.js'
import type { NodeFactsPort } from './operations/ports.js'
import type { AbOutcome, AbSide, AbSides } from './operations/run-ab.js'
import { createRandom, freshSeed } from './random.js'
import { createTurns } from './redis/load/turns.js'
import { toErrorReport } from './report-error.js'
import type { Topology } from './ring/topology.js'
import { createProgress } from './terminal/progress.js'

/** What oclif says about a token it has parsed. */
interface Token {
  readonly type: 'arg' | 'flag'
  readonly flag?: string
  readonly input: string
}

interface SideFlags {
  readonly a: string
  readonly b: string
  readonly seed?: number | undefined
}

export interface SidesOptions {
  readonly tokens: readonly Token[]
  readonly flags: SideFlags
  /** Errors: oclif's usage errors. */
  parse(argv: string[]): Promise<ParsedSide>
  topologyOf(path: string | undefined): Promise<Topology>
  readonly facts: NodeFactsPort
  readonly signal: AbortSignal
}

interface ParsedSide {
  readonly flags: BenchFlags & { topology?: string | undefined }
  readonly raw: readonly Token[]
}

/** oclif would take the value of `--a '-t x.yaml'` for the flag -t; behind a space it is a value. */
export function protectSides(argv: readonly string[]): string[] {
  return argv.map((text, index) => {
    if (/^--[ab]=/.test(text)) return text.replace('=', '= ')
    return /^--[ab]$/.test(argv[index - 1] ?? '') ? ` ${text}` : text
  })
}

const ownFlags = ['a', 'b', 'pairs', 'slice', 'minimum-effect', 'json']

/** Errors: each names its side. */
export async function openSides(options: SidesOptions): Promise<AbSides> {
  const { flags } = options
  if (flags.a.trim() === flags.b.trim() && flags.a.trim() !== '')
    throw invalid('--a and --b are the same', 'Leave both out to measure how much noise there is.')
  const seed = flags.seed ?? freshSeed()
  const [a, b] = [await openSide('a', options, seed), await openSide('b', options, seed)]
  const accessOf = ({ request }: AbSide) => readAccess(request.topology.nodes, process.env)
  const turns = createTurns({ a: await accessOf(a), b: await accessOf(b) }, systemClock)
  return { a, b, turns }
}

async function openSide(name: 'a' | 'b', options: SidesOptions, seed: number): Promise<AbSide> {
  const { facts, flags, signal, tokens } = options
  const own = parseArgsStringToArgv(flags[name])
  try {
    const { raw } = await options.parse(own)
    const overridden = raw.map(({ flag }) => flag)
    const common = commonArguments(tokens.filter(({ flag }) => !overridden.includes(flag)))
    const { flags: parsed } = await options.parse([...common, ...own])
    refuseInTurns(parsed)
    const job = await toBenchJob({ ...parsed, seed }, await options.topologyOf(parsed.topology))
    const load = await createBenchLoad(job, signal)
    return { request: job, ports: { facts, load, progress: await createProgress(), signal } }
  } catch (error) {
    const { message, ...report } = toErrorReport(error).error
    throw new CachectlError(`side ${name.toUpperCase()} (--${name}): ${message}`, { ...report, cause: error })
  }
}

/** The command line again, without the flags of `bench ab` itself. */
function commonArguments(tokens: readonly Token[]): string[] {
  return tokens.flatMap(({ type, flag, input }) => {
    if (type !== 'flag' || flag === undefined || ownFlags.includes(flag)) return []
    // a flag that takes no value has its own name as its input
    return input === `--${flag}` || input === '' ? [`--${flag}`] : [`--${flag}`, input]
  })
}

/** A is before, B after. */
export function sideNames({ a, b }: SideFlags): { before: string; after: string } {
  return { before: `A ${a.trim()}`.trim(), after: `B ${b.trim()}`.trim() }
}

/** As users' scripts read it (docs/json.md). */
export interface AbResult {
  readonly schema: 'cachectl/bench-ab/v1'
  readonly a: string
  readonly b: string
  readonly pairs: readonly SlicePair[]
  readonly comparison: Comparison
  readonly interrupted: boolean
  readonly seed: number
}

export function toAbResult(
  { interrupted, pairs, warnings }: AbOutcome,
  flags: SideFlags & { readonly 'minimum-effect': string },
): AbResult {
  const seed = flags.seed ?? freshSeed()
  const comparison = comparePairs(pairs, {
    minimumEffect: parseShare(flags['minimum-effect'], '--minimum-effect'),
    random: createRandom(seed),
  })
  return {
    schema: 'cachectl/bench-ab/v1',
    a: flags.a.trim(),
    b: flags.b.trim(),
    pairs,
    comparison: { ...comparison, warnings: [...comparison.warnings, ...warnings] },
    interrupted,
    seed,
  }
}
