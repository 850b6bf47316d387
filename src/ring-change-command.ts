/** What `ring add`, `remove` and `rebalance` share: flags, wiring, the question, and saving the topology at the end. */
import * as Flags from '@oclif/core/flags'
import { BaseCommand, topologyFlag } from './base-command.js'
import { systemClock } from './clock.js'
import { describeError, invalid } from './errors.js'
import type { TopologyFile } from './files/topology-file.js'
import { writeTopology } from './files/write-topology.js'
import { openControl } from './open-control.js'
import type { ClientMode } from './operations/before-change.js'
import { type ChangeResult, changeRing, type OperatorPorts } from './operations/change-ring.js'
import { type Preview, previewChange } from './operations/preview-change.js'
import type { ImpactLimit, PaceLimits } from './plan/pace.js'
import { printable } from './printable.js'
import { firstState, nodesOf, prepareState, type RingState, sameRing } from './ring/epoch.js'
import type { Topology } from './ring/topology.js'

export const movingNote =
  'Clients that follow the control store keep reading and writing throughout: no acknowledged write is lost, nothing ' +
  'deleted comes back (docs/protocol.md). Others would miss moved keys, so the command refuses while they are ' +
  'connected, unless --clients says otherwise. Interrupted or killed, `ring resume` or the same command again finishes.'

const legacyNote =
  'Clients that do not follow the control store: a read at the old node of a key that has moved misses; a write there ' +
  'makes a second copy, which is carried over where the owner has no other value, and listed as a conflict where it ' +
  'has. Nothing is silently overwritten. `ring check` afterwards shows what they wrote astray.'

const notConfirmed = 'Nothing was changed. --yes goes on without asking, --dry-run shows the plan only.'

const defaultBigKeyBytes = 2 ** 20

export const bigKeyFlag = Flags.integer({
  summary: 'Keys that take more bytes than this go last, one by one, in chunks.',
  default: defaultBigKeyBytes,
  min: 1024,
  max: 2 ** 28,
})

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
  'big-key': bigKeyFlag,
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
  'wait-replicas': Flags.integer({
    summary: 'Remove a key at its source only when so many replicas of its target have it.',
    helpValue: 'N',
    min: 0,
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
  readonly 'wait-replicas'?: number | undefined
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
    resumed: Pick<RingState, 'lost' | 'waitReplicas'> = {},
  ): Promise<ChangeResult | Preview> {
    const { lost = [] } = resumed
    const after = edit(file.topology)
    const { renderPlan, renderChange } = await import('./terminal/plan.js')
    if (flags['dry-run']) {
      const preview = await previewChange({ before: file.topology, after }, await this.nodeFacts())
      this.log(renderPlan(preview))
      return preview
    }
    const result = await this.withPorts(
      { file, after, lost, bigKeyBytes: flags['big-key'], clients: flags.clients },
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
            waitReplicas: flags['wait-replicas'] ?? resumed.waitReplicas ?? 0,
            holder: this.holder(),
            limits: parseLimits(flags),
          },
          {
            ...ports,
            confirm: async (preview) => {
              this.log(renderPlan(preview))
              if (flags.clients === 'legacy') this.log(`\n${legacyNote}`)
              if (!flags.yes) await this.ask('Move these keys now? [y/N] ', notConfirmed)
            },
            save: async (topology) => {
              if (!sameRing(file.topology, topology)) await writeTopology(file, topology)
            },
          },
        ),
    )
    this.log(renderChange(result, file.path))
    if (result.evictedKeys && !flags['allow-eviction']) this.found()
    return result
  }

  /** All nodes of a change from the file's topology to `after`. */
  protected async withPorts<T>(
    change: {
      readonly file: TopologyFile
      readonly after: Topology
      readonly lost?: readonly string[]
      readonly bigKeyBytes?: number
      readonly clients: ClientMode
    },
    body: (ports: OperatorPorts) => Promise<T>,
  ): Promise<T> {
    const { withOperatorPorts } = await import('./change-ports.js')
    const nodes = nodesOf(prepareState(firstState(change.file.topology), change.after, change))
    const facts = await this.nodeFacts()
    return withOperatorPorts(
      {
        bigKeyBytes: defaultBigKeyBytes,
        ...change,
        nodes,
        facts,
        signal: this.signal,
        warn: (text) => this.logToStderr(text),
      },
      body,
    )
  }

  /** How others see who changes the ring. */
  protected holder(): string {
    return `${this.person()} since ${new Date(systemClock.wallMs()).toISOString()}`
  }

  /** Says on stderr where the store disagrees with the file: what is found on the nodes means something else then. */
  protected async warnOfChange(file: TopologyFile): Promise<void> {
    const control = await openControl(file)
    try {
      const state = (await control.load())?.state
      if (state && state.phase !== 'stable')
        this.logToStderr(`a change of the ring is unfinished: keys that it moves are counted as misplaced`)
      else if (state && !sameRing(state.before, file.topology))
        this.logToStderr(`the control store holds another ring (epoch ${state.epoch}) than this file`)
    } catch (error) {
      this.logToStderr(`whether a change is under way is not known: ${describeError(error)}`)
    } finally {
      await control.close()
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
