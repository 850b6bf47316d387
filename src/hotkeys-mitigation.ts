/** What `hotkeys publish`, `published`, `split` and `unsplit` share: keys as they are given, the board, the ring. */
import * as Flags from '@oclif/core/flags'
import { BaseCommand } from './base-command.js'
import type { ControlStore } from './cache/ports.js'
import { systemClock } from './clock.js'
import { invalid } from './errors.js'
import { readKeys } from './files/key-stream.js'
import { readAccess } from './files/secrets.js'
import type { TopologyFile } from './files/topology-file.js'
import type { HotSet } from './hotkeys/hot-set.js'
import { openPresentRing } from './open-cache.js'
import { openControl } from './open-control.js'
import type { HotSetBoard } from './operations/hotkeys/publish.js'
import { sampleKey } from './operations/hotkeys/sample-key.js'
import { presentRing, showHotSet } from './operations/hotkeys/show-hot-set.js'
import type { SplitPorts } from './operations/hotkeys/split-key.js'
import { createRandom, freshSeed } from './random.js'
import { keyMark } from './redis/cache-replies.js'
import type { CacheRing } from './redis/cache-ring.js'
import { createMonitorSource } from './redis/hotkeys/monitor-source.js'
import { createNodeProbe } from './redis/hotkeys/node-probe.js'
import { startWatchdog } from './redis/hotkeys/watchdog.js'
import { ReplyError } from './redis/resp.js'
import type { Topology } from './ring/topology.js'
import { type HotSetReport, type PublishedKeys, renderHotSet, toHotSetReport } from './terminal/hot-set.js'

export const keyFlags = {
  base64: Flags.boolean({ summary: 'Keys, wherever they come from, are base64.' }),
  null: Flags.boolean({
    summary: 'Also -0. Keys on standard input are separated by NUL bytes, not lines.',
  }),
}

export interface SplitContext extends SplitPorts {
  readonly l2: CacheRing
  readonly topology: Topology
  readonly isChanging: boolean
}

export abstract class HotSetCommand extends BaseCommand {
  /** `-` among the arguments: keys from standard input as well. */
  protected async keysOf(
    args: readonly string[],
    flags: { readonly base64: boolean; readonly null: boolean },
  ): Promise<Buffer[]> {
    const decode = (key: Buffer) => (flags.base64 ? Buffer.from(key.toString('latin1'), 'base64') : key)
    const keys: Buffer[] = []
    for (const arg of args) {
      if (arg !== '-') keys.push(decode(Buffer.from(arg)))
      else
        for await (const key of readKeys(process.stdin, flags.null ? 'nul' : 'line'))
          keys.push(decode(Buffer.from(key)))
    }
    return keys
  }

  protected async keyOf(args: readonly string[], flags: { base64: boolean; null: boolean }): Promise<Buffer> {
    const [key, ...more] = await this.keysOf(args, flags)
    if (!key || more.length > 0) throw invalid('give one key', 'Binary keys go through --base64 or -0.')
    return key
  }

  protected async withBoard<T>(
    file: TopologyFile,
    body: (board: HotSetBoard & { readonly control: ControlStore }) => Promise<T>,
  ): Promise<T> {
    const control = await openControl(file)
    try {
      return await body({ control, clock: systemClock, by: this.person() })
    } finally {
      await control.close()
    }
  }

  protected async show(
    set: HotSet,
    { topology }: TopologyFile,
    control: ControlStore,
    published?: PublishedKeys,
  ): Promise<HotSetReport> {
    const shown = await showHotSet(set, { control, file: topology, wallMs: systemClock.wallMs() })
    const report = toHotSetReport(topology.name, shown, published)
    this.log(renderHotSet(report, this.screen()))
    return report
  }

  protected async withSplits<T>(file: TopologyFile, body: (context: SplitContext) => Promise<T>): Promise<T> {
    return this.withBoard(file, async (board) => {
      const { topology, isChanging } = await presentRing(board.control, file.topology)
      const l2 = await openPresentRing(file)
      try {
        return await body({
          ...{ l2, topology, isChanging, board, clock: systemClock, signal: this.signal },
          describeForeign: (key) => describeForeign(l2, key),
          sampleKey: (node, key) => this.sampleKey(topology, node, key),
        })
      } finally {
        await l2.close()
      }
    })
  }

  private async sampleKey(topology: Topology, node: string, key: Buffer): Promise<Record<string, number>> {
    const accesses = await readAccess(topology.nodes, process.env)
    const probe = createNodeProbe(accesses, systemClock)
    const watchdog = startWatchdog(accesses)
    const source = createMonitorSource(accesses, { probe, watchdog, clock: systemClock })
    this.beforeSuspension(() => void source.close())
    try {
      source.expect(await probe.facts(node))
      const random = createRandom(freshSeed())
      return await sampleKey(node, key, { source, clock: systemClock, random, signal: this.signal })
    } finally {
      await source.close()
      probe.close()
      watchdog.close()
    }
  }
}

/** Why the library found no value under a key. */
async function describeForeign(ring: CacheRing, key: Buffer): Promise<string | undefined> {
  const { reply } = await ring.ring.ask({ command: ['GETRANGE', key, 0, 0], keys: [key], isWrite: false })
  if (reply instanceof ReplyError)
    return reply.code === 'WRONGTYPE'
      ? 'it is no string, and so no value of the cache library'
      : reply.message
  if (!Buffer.isBuffer(reply) || reply.length === 0) return 'there is no such key'
  return reply[0] === keyMark.value
    ? 'its node was started anew since it was filled, and so it is not believed until it is read again'
    : 'it is no value of the cache library'
}

/** oclif's short flags are letters only. */
export function withLongNull(argv: readonly string[]): string[] {
  return argv.map((arg) => (arg === '-0' ? '--null' : arg))
}
