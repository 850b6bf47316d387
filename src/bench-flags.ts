/** What can be said about a load on the command line; bench-job.ts makes a job of it. */
import * as Flags from '@oclif/core/flags'
import { topologyFlag } from './base-command.js'
import { type StrategyFlags, strategyFlags } from './bench-strategy.js'
import type { WorkloadFlags } from './bench-workload.js'
import { maxKeyCount } from './workload/key-distribution.js'

export const loadFlags = {
  ...topologyFlag,
  workload: Flags.string({
    char: 'w',
    helpValue: 'NAME|FILE',
    summary: 'A preset (ycsb:b, meta:kvcache, twitter:cluster24) or a YAML file; other flags override it.',
  }),
  rate: Flags.string({
    helpValue: 'RATE',
    summary: 'max: a closed loop. 20k, 1k..50k/60s, step:5k,10k,20k/30s: requests a second, on schedule.',
  }),
  arrivals: Flags.string({
    helpValue: 'KIND',
    options: ['uniform', 'poisson'],
    summary: 'How scheduled requests are spread; default uniform.',
  }),
  'max-in-flight': Flags.integer({
    helpValue: 'N',
    summary: 'On schedule: requests sent and not answered; those due beyond it wait.',
    default: 10_000,
    min: 1,
    max: 1_000_000,
  }),
  pace: Flags.string({
    helpValue: 'KIND',
    options: ['exact', 'low-cpu'],
    default: 'exact',
    summary: 'exact spins on a core for each thread; low-cpu sends by timers, up to 2 ms late.',
  }),
  connections: Flags.integer({
    char: 'c',
    helpValue: 'N',
    summary: 'Sockets in total, spread over the nodes by their share.',
    default: 50,
    min: 1,
    max: 10_000,
  }),
  pipeline: Flags.integer({
    char: 'P',
    helpValue: 'N',
    summary: 'Closed loop: requests under way for each connection.',
    default: 1,
    min: 1,
    max: 1_000,
  }),
  threads: Flags.integer({
    helpValue: 'N',
    summary: 'Threads that generate load.',
    default: 1,
    min: 1,
    max: 64,
  }),
  duration: Flags.string({
    helpValue: 'TIME',
    summary: 'Measure this long, e.g. 10s; default 10s, or the whole trace.',
  }),
  requests: Flags.integer({
    char: 'n',
    helpValue: 'N',
    summary: 'Measure this many requests instead.',
    min: 1,
  }),
  warmup: Flags.string({
    helpValue: 'TIME',
    summary:
      'Send load this long before measuring, or auto: until it is steady; default 1s, none for a trace.',
  }),
  keys: Flags.integer({
    helpValue: 'N',
    summary: 'Keys in play; default 100,000.',
    min: 1,
    max: maxKeyCount,
  }),
  'key-bytes': Flags.string({
    helpValue: 'SIZE',
    summary: 'Bytes of a whole key; default as short as it can be.',
  }),
  distribution: Flags.string({
    helpValue: 'NAME',
    summary:
      'uniform, zipf:0.99, hotspot:0.1:0.9, latest:0.99, gaussian, exponential, sequential, trace:FILE; default uniform.',
  }),
  'value-bytes': Flags.string({
    helpValue: 'SIZE',
    summary:
      'Size of a value: 100, 1k, uniform:10..200, lognormal:MU,SIGMA, pareto:LOCATION,SCALE,SHAPE; default 100.',
  }),
  mix: Flags.string({
    helpValue: 'OPS',
    summary: 'Operations with weights, as in get:90,set:9,incr:1; default get:90,set:10.',
  }),
  'read-ratio': Flags.string({ helpValue: 'SHARE', summary: 'Share of gets among gets and sets, 0 to 1.' }),
  ttl: Flags.string({
    helpValue: 'TIME',
    summary: 'Until a written key expires: 60, 1h, or 60s:0.4,1d:0.6; default never.',
  }),
  'ttl-jitter': Flags.string({ helpValue: 'SHARE', summary: 'Spread of the TTL, as in 0.1 for ±10 %.' }),
  trace: Flags.string({
    summary: 'Replay a request trace (CSV, .gz) instead of drawing keys.',
    helpValue: 'FILE',
  }),
  speed: Flags.string({
    helpValue: 'FACTOR',
    summary: "Replay by the trace's own times: 1x, 10x; max (default): as fast as replies come.",
  }),
  fill: Flags.boolean({ summary: 'Write every key before measuring, and look up that they are there.' }),
  'allow-missing': Flags.boolean({ summary: 'Measure although keys are missing after the fill.' }),
  verify: Flags.boolean({ summary: 'Check every value read: wrong and stale ones are counted.' }),
  source: Flags.string({
    helpValue: 'SOURCE',
    summary:
      'A miss loads from a database first: simulated:5ms, simulated:lognormal:1.6,0.5; with --strategy also postgres://USER@HOST/DATABASE.',
  }),
  'source-capacity': Flags.integer({
    helpValue: 'N',
    summary:
      'Loads that the database does at a time; the rest queue. PostgreSQL: its connections, default 20.',
    min: 1,
  }),
  prefix: Flags.string({
    helpValue: 'TEXT',
    summary: 'Every key starts with it; nothing else is touched.',
    default: 'cachectl-bench:',
  }),
  keep: Flags.boolean({
    summary: 'Leave the keys on the nodes; otherwise all of this keyspace is removed at the end.',
  }),
  seed: Flags.integer({ helpValue: 'N', summary: 'Repeats a run: the seed stands in its result.', min: 0 }),
}

export const agentFlags = {
  agents: Flags.integer({
    helpValue: 'N',
    summary: 'So many `bench agent` processes generate the load together; they meet in the control store.',
    min: 1,
    max: 1_000,
  }),
  'agents-timeout': Flags.string({
    helpValue: 'TIME',
    summary: 'Wait so long for the agents; default 60s.',
  }),
}

export const benchFlags = {
  ...loadFlags,
  ...agentFlags,
  ...strategyFlags,
  target: Flags.string({
    helpValue: 'TARGET',
    summary: 'lru:ENTRIES runs against an exact in-process LRU instead of the ring.',
  }),
  gate: Flags.string({
    summary: "Fail (exit 3) unless it holds, e.g. 'p99<2ms', 'hit_ratio>=0.9', 'errors==0'.",
    multiple: true,
    helpValue: 'EXPRESSION',
  }),
  'find-max': Flags.string({
    helpValue: 'GATE',
    multiple: true,
    summary: "Search the highest rate that keeps it, e.g. 'p99<2ms'; steps of --duration, default 5s.",
  }),
  'allow-lag': Flags.boolean({ summary: 'Judge gates although the run fell short of its schedule.' }),
  out: Flags.string({
    char: 'o',
    summary: 'Write the whole result there, with histograms.',
    helpValue: 'FILE',
  }),
}

/** Of an agent. */
export const joinFlags = {
  join: Flags.string({
    helpValue: 'URL',
    required: true,
    summary: 'The control store of the topology: redis://, rediss://, unix://, etcd://, etcds:// or file:.',
  }),
  username: Flags.string({ helpValue: 'NAME', summary: 'For the control store.' }),
  'password-env': Flags.string({
    helpValue: 'VARIABLE',
    summary: 'Environment variable with the password of the control store.',
    exclusive: ['password-file'],
  }),
  'password-file': Flags.string({
    helpValue: 'FILE',
    summary: 'File with the password of the control store.',
  }),
  once: Flags.boolean({
    summary: 'End after one run, as a job does; otherwise wait for the next, until Ctrl-C.',
  }),
  out: Flags.string({
    char: 'o',
    helpValue: 'FOLDER',
    summary: 'Keep what this agent counted, a file each load.',
  }),
}

/** Parsed, as a job is made of them. */
export interface BenchFlags extends WorkloadFlags, StrategyFlags {
  readonly connections: number
  readonly pipeline: number
  readonly threads: number
  readonly 'max-in-flight': number
  readonly pace: string
  readonly trace?: string | undefined
  readonly speed?: string | undefined
  readonly 'allow-missing': boolean
  readonly 'allow-lag'?: boolean | undefined
  readonly verify: boolean
  readonly target?: string | undefined
  readonly gate?: readonly string[] | undefined
  readonly 'find-max'?: readonly string[] | undefined
  readonly out?: string | undefined
  readonly report?: readonly string[] | undefined
  readonly baseline?: string | undefined
  readonly prefix: string
  readonly keep: boolean
  readonly seed?: number | undefined
  readonly agents?: number | undefined
  readonly 'agents-timeout'?: string | undefined
}
