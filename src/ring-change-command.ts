/** What `ring add`, `remove` and `rebalance` share: flags, wiring, the question, and saving the topology at the end. */
import { createInterface } from 'node:readline/promises'
import * as Flags from '@oclif/core/flags'
import { BaseCommand, topologyFlag } from './base-command.js'
import { systemClock } from './clock.js'
import { refused } from './errors.js'
import { readAccess } from './files/secrets.js'
import type { TopologyFile } from './files/topology-file.js'
import { writeTopology } from './files/write-topology.js'
import { applyChange, type ChangeResult } from './operations/apply-change.js'
import { type Preview, previewChange } from './operations/preview-change.js'
import type { Topology } from './ring/topology.js'

export const movingNote =
  'Clients must not write keys that move until the command has ended: keys are carried by a fenced copy, so that ' +
  'nothing is lost whatever happens, but a client that still follows the old ring does not see a key that has moved. ' +
  'Interrupted or killed, the same command again finishes the work. The topology file is written last.'

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
  'allow-eviction': Flags.boolean({ summary: 'Go on although a node may evict keys for lack of memory.' }),
}

export interface ChangeFlags {
  readonly topology?: string | undefined
  readonly yes: boolean
  readonly 'dry-run': boolean
  readonly connections: number
  readonly 'big-key': number
  readonly 'allow-eviction': boolean
}

export abstract class RingChangeCommand extends BaseCommand {
  /** Shows the plan; unless it is a dry run, asks, moves the keys and writes the file. */
  protected async change(
    file: TopologyFile,
    flags: ChangeFlags,
    edit: (before: Topology) => Topology,
  ): Promise<ChangeResult | Preview> {
    const after = edit(file.topology)
    const { renderPlan } = await import('./terminal/plan.js')
    const facts = await this.nodeFacts()
    if (flags['dry-run']) {
      const preview = await previewChange({ before: file.topology, after }, facts)
      this.log(renderPlan(preview))
      return preview
    }
    const { withNodeKeys } = await import('./redis/node-keys.js')
    const { createProgress } = await import('./terminal/progress.js')
    const known = new Set(file.topology.nodes.map((node) => node.id))
    const joining = after.nodes.filter((node) => !known.has(node.id))
    const accesses = await readAccess([...file.topology.nodes, ...joining], process.env)
    const options = { clock: systemClock, signal: this.signal, bigKeyBytes: flags['big-key'] }
    const progress = await createProgress()
    const result = await withNodeKeys(accesses, options, (keys) =>
      applyChange(
        {
          before: file.topology,
          after,
          concurrency: flags.connections,
          allowEviction: flags['allow-eviction'],
        },
        {
          facts,
          keys,
          clock: systemClock,
          progress,
          signal: this.signal,
          confirm: async (preview) => {
            this.log(renderPlan(preview))
            if (!flags.yes) await this.ask()
          },
          save: async (topology) => {
            await writeTopology(file, topology)
          },
        },
      ),
    )
    const { renderChange } = await import('./terminal/plan.js')
    this.log(renderChange(result, file.path))
    return result
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
