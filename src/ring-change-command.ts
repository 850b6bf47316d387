/** What `ring add`, `remove` and `rebalance` share: flags, wiring, the question, and saving the topology at the end. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { createInterface } from 'node:readline/promises'
import * as Flags from '@oclif/core/flags'
import { BaseCommand, topologyFlag } from './base-command.js'
import { operatorPrefix } from './cache/ports.js'
import { systemClock } from './clock.js'
import { invalid, refused } from './errors.js'
import { withFailpoint } from './failpoint.js'
import { createJournal } from './files/journal.js'
import { readAccess } from './files/secrets.js'
import type { TopologyFile } from './files/topology-file.js'
import { writeTopology } from './files/write-topology.js'
import { journalPath, openControl } from './open-control.js'
import { type ChangePorts, type ChangeResult, type ClientMode, changeRing } from './operations/change-ring.js'
import { type Preview, previewChange } from './operations/preview-change.js'
import type { ImpactLimit, PaceLimits } from './plan/pace.js'
import { printable } from './printable.js'
import type { NodeKeysOptions } from './redis/node-keys.js'
import type { Pair } from './redis/pair.js'
import { firstState, nodesOf, prepareState, sameRing } from './ring/epoch.js'
import type { Topology } from './ring/topology.js'

export const movingNote =
  'Clients that follow the control store keep reading and writing throughout: no acknowledged write is lost, nothing ' +
  'deleted comes back (docs/protocol.md). Others would miss moved keys, so the command refuses while they are ' +
  'connected, unless --clients says otherwise. Interrupted or killed, `ring resume` or the same command again finishes.'

const legacyNote =
  'Clients that do not follow the control store: a read at the old node of a key that has moved misses; a write there ' +
  'makes a second copy, which is carried over where the owner has no other value, and listed as a conflict where it ' +
  'has. Nothing is silently overwritten. `ring check` afterwards shows what they wrote astray.'

export const changeFlags = {
  ...topologyFlag,
  yes: Flags.boolean({ char: 'y', summary: 'Do not ask. Required where nobody can answer (no terminal).' }),
  'dry-run': Flags.boolean({ summary: 'Show the plan and stop; nothing is written.' }),
  connections: Flags.integer({
    summary: 'Batches of 100 keys under way at once for each node.',
    default: 4,
    min: 1,
    max: 64,
  }),
  'big-key': Flags.integer({
    summary: 'Keys that take more bytes than this go by chunks.',
    default: 1_048_576,
    min: 1024,
  }),
  'max-keys-per-sec': Flags.integer({
    summary: 'Move no more keys a second than this.',
    min: 1,
    helpValue: 'N',
  }),
  'max-bytes-per-sec': Flags.string({
    summary: 'Move no more bytes a second, as in 20MiB.',
    helpValue: 'SIZE',
  }),
  'max-impact': Flags.string({
    summary: "Slow down when a node's latency rises further than this over what it was before.",
    helpValue: 'p99=+20%',
  }),
  clients: Flags.option({
    options: ['follow', 'legacy', 'none'] as const,
    summary: 'Do the clients follow the control store? legacy: some do not; none: nobody uses the ring now.',
    default: 'follow' as const,
  })(),
  'drop-strays': Flags.boolean({ summary: 'Remove keys that lie on a node that does not own them.' }),
  'allow-eviction': Flags.boolean({ summary: 'Go on although a node may evict keys for lack of memory.' }),
}

export interface ChangeFlags {
  readonly topology?: string | undefined
  readonly yes: boolean
  readonly 'dry-run': boolean
  readonly connections: number
  readonly 'big-key': number
  readonly 'max-keys-per-sec'?: number | undefined
  readonly 'max-bytes-per-sec'?: string | undefined
  readonly 'max-impact'?: string | undefined
  readonly clients: ClientMode
  readonly 'drop-strays': boolean
  readonly 'allow-eviction': boolean
}

export abstract class RingChangeCommand extends BaseCommand {
  /** Shows the plan; unless it is a dry run, asks, changes the ring and writes the file. */
  protected async change(
    file: TopologyFile,
    flags: ChangeFlags,
    edit: (before: Topology) => Topology,
    lost: readonly string[] = [],
  ): Promise<ChangeResult | Preview> {
    const after = edit(file.topology)
    const { renderPlan, renderChange } = await import('./terminal/plan.js')
    if (flags['dry-run']) {
      const preview = await previewChange({ before: file.topology, after }, await this.nodeFacts())
      this.log(renderPlan(preview))
      return preview
    }
    const result = await this.withChangePorts(
      file,
      { after, lost, bigKeyBytes: flags['big-key'], clients: flags.clients },
      (ports) =>
        changeRing(
          {
            before: file.topology,
            after,
            concurrency: flags.connections,
            allowEviction: flags['allow-eviction'],
            clients: flags.clients,
            dropStrays: flags['drop-strays'],
            lost,
            holder: this.holder(),
            limits: parseLimits(flags),
          },
          {
            ...ports,
            confirm: async (preview) => {
              this.log(renderPlan(preview))
              if (flags.clients === 'legacy') this.log(`\n${legacyNote}`)
              if (!flags.yes) await this.ask()
            },
            save: async (topology) => {
              if (!sameRing(file.topology, topology)) await writeTopology(file, topology)
            },
          },
        ),
    )
    this.log(renderChange(result, file.path))
    return result
  }

  /** Everything a change acts through, closed when the body ends. */
  protected async withChangePorts<T>(
    file: TopologyFile,
    change: {
      readonly after: Topology
      readonly lost: readonly string[]
      readonly bigKeyBytes: number
      readonly clients: ClientMode
    },
    body: (ports: Omit<ChangePorts, 'confirm' | 'save'>) => Promise<T>,
  ): Promise<T> {
    const [
      { withNodeKeys },
      { withFleet },
      { moveBatch },
      { moveLiveBatch, neverExpires },
      { createProgress },
    ] = await Promise.all([
      import('./redis/node-keys.js'),
      import('./redis/fleet.js'),
      import('./redis/move-keys.js'),
      import('./redis/move-live.js'),
      import('./terminal/progress.js'),
    ])
    const nodes = nodesOf(prepareState(firstState(file.topology), change.after, change.lost))
    const accesses = await readAccess(nodes, process.env)
    const { bigKeyBytes } = change
    const operatorName = `${operatorPrefix}${randomUUID()}`
    let token = 0
    const expiries = new Map<string, Promise<boolean>>()
    const moveOwned = async (pair: Pair, keys: readonly Buffer[]) => {
      const { id } = pair.source.access.node
      const asked = expiries.get(id) ?? neverExpires(pair.source)
      expiries.set(id, asked)
      const moved = await moveLiveBatch(pair, keys, { bigKeyBytes, token, neverExpires: await asked })
      return { ...moved, conflicts: [] }
    }
    const options: NodeKeysOptions = {
      clock: systemClock,
      signal: this.signal,
      clientName: operatorName,
      // clients that do not follow may still write at the source: then the copy is compared, and conflicts are kept
      moveBatch: (pair, keys) =>
        change.clients === 'legacy' ? moveBatch(pair, keys, { bigKeyBytes }) : moveOwned(pair, keys),
    }
    const control = await openControl(file)
    try {
      return await withNodeKeys(accesses, options, (keys) =>
        withFleet(accesses, operatorName, async (fleet) =>
          body({
            facts: await this.nodeFacts(),
            fleet,
            control,
            journal: withFailpoint(createJournal(journalPath(file.path), systemClock), process.env),
            clock: systemClock,
            progress: await createProgress(),
            signal: this.signal,
            keysUnder: (held) => {
              token = held
              return keys
            },
          }),
        ),
      )
    } finally {
      await control.close()
    }
  }

  /** How others see who changes the ring. */
  protected holder(): string {
    return `pid ${process.pid} on ${hostname()} since ${new Date(systemClock.wallMs()).toISOString()}`
  }

  private async ask(): Promise<void> {
    const remedy = 'Nothing was changed. --yes goes on without asking, --dry-run shows the plan only.'
    if (!process.stdin.isTTY || !process.stderr.isTTY)
      throw refused('not confirmed: there is no terminal to ask on', remedy)
    const lines = createInterface({ input: process.stdin, output: process.stderr })
    try {
      const answer = await lines.question('Move these keys now? [y/N] ', { signal: this.signal })
      if (!/^y(es)?$/i.test(answer.trim())) throw refused('not confirmed', remedy)
    } finally {
      lines.close()
    }
  }
}

function parseLimits(flags: ChangeFlags): PaceLimits & { impact?: ImpactLimit } {
  const impact = flags['max-impact']
  return {
    keysPerSec: flags['max-keys-per-sec'] ?? Number.POSITIVE_INFINITY,
    bytesPerSec: parseBytes(flags['max-bytes-per-sec'], '--max-bytes-per-sec'),
    ...(impact === undefined ? {} : { impact: parseImpact(impact) }),
  }
}

function parseBytes(text: string | undefined, flag: string): number {
  if (text === undefined) return Number.POSITIVE_INFINITY
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)?$/.exec(text) ?? []
  const bytes = Number(digits) * { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[unit ?? 'B']!
  if (bytes > 0) return bytes
  throw invalid(`${flag} ${printable(text)}: expected a size such as 500KiB or 20MiB`)
}

function parseImpact(text: string): ImpactLimit {
  const [, quantile, percent] = /^p(50|90|95|99)=\+(\d+)%$/.exec(text) ?? []
  if (Number(percent) > 0) return { quantile: Number(quantile) / 100, maxIncrease: Number(percent) / 100 }
  throw invalid(`--max-impact ${printable(text)}: expected p50, p90, p95 or p99 and a rise, as in p99=+20%`)
}
