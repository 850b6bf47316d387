/** Which source a node is sampled by, and the sources, each opened when the first node needs it. */
import { join } from 'node:path'
import type { Clock } from './clock.js'
import { openSettingsLedger } from './files/settings-ledger.js'
import { openSlowlogArchive } from './files/slowlog-archive.js'
import { chooseSource, describeChoice, type LiveSource, type NativeState } from './hotkeys/choose-source.js'
import type { NodeFacts } from './hotkeys/node-facts.js'
import type { SamplingOptions } from './hotkeys/sampling-options.js'
import type { BurstSource, RankingSource } from './operations/hotkeys/ports.js'
import type { ChosenSource } from './operations/hotkeys/sampler.js'
import type { NodeAccess } from './operations/ports.js'
import type { WatchedSource } from './redis/hotkeys/burst-guard.js'
import { createLfuScanSource } from './redis/hotkeys/lfu-scan.js'
import { createMonitorSource } from './redis/hotkeys/monitor-source.js'
import { createNativeRedisSource, readRedisSession } from './redis/hotkeys/native-redis.js'
import { createNativeValkeySource, readValkeyDetection } from './redis/hotkeys/native-valkey.js'
import type { NodeProbe } from './redis/hotkeys/node-probe.js'
import { createSlowlogSource } from './redis/hotkeys/slowlog-source.js'
import { createTrackingSource } from './redis/hotkeys/tracking-source.js'
import { startWatchdog, type Watchdog } from './redis/hotkeys/watchdog.js'
import { openConnection } from './redis/resp-connection.js'

type Wish = Pick<SamplingOptions, 'budget' | 'maxMs' | 'allowSlowlogLoss' | 'allowConfig' | 'force'> & {
  readonly source: LiveSource | 'auto'
}

export class HotKeySources {
  private readonly opened = new Map<string, Promise<BurstSource | RankingSource>>()
  private readonly facts = new Map<string, NodeFacts>()
  private readonly watched = new Map<LiveSource, WatchedSource>()
  private watchdog: Watchdog | undefined

  /** `directory`: where settings that are changed for a while, and the slow log, are kept. */
  constructor(
    private readonly wish: Wish,
    private readonly world: {
      readonly accesses: readonly NodeAccess[]
      readonly probe: NodeProbe
      readonly clock: Clock
      readonly directory: string
    },
  ) {}

  /** Errors: `refused` where none works; `stopped` where there is no watchdog for it. */
  async sourceFor(facts: NodeFacts): Promise<ChosenSource> {
    const { budget, maxMs, ...wish } = this.wish
    this.facts.set(facts.node, facts)
    const choice = chooseSource(facts, {
      ...wish,
      budget: budget.share,
      maxTimeMs: maxMs,
      nativeState: await this.nativeState(facts),
    })
    const reason = describeChoice(choice)
    if (choice.source === 'native' || choice.source === 'lfu') {
      const name = choice.source === 'native' ? `native-${facts.server}` : 'lfu'
      const source = await this.once(name, () => this.openRanking(choice.source, facts))
      return { kind: 'ranking', reason, source: source as RankingSource }
    }
    if (choice.source === 'monitor' || choice.source === 'tracking') {
      const source = this.watched.get(choice.source) ?? this.openWatched(choice.source)
      source.expect(facts)
      // its start is no part of the first burst, whose length decides how long the next one waits
      await this.watchdog?.ready
      return { kind: 'bursts', reason, source }
    }
    const source = await this.once(choice.source, () => this.openSlowlog())
    return { kind: 'bursts', reason, source: source as BurstSource }
  }

  /** What servers would go on writing to is ended, and nothing else: before the process is suspended. */
  pause(): void {
    for (const source of this.watched.values()) void source.close()
  }

  /** Leaves nothing behind on the nodes. */
  async close(): Promise<void> {
    try {
      const sources = await Promise.allSettled(this.opened.values())
      const closing = sources.flatMap((each) => (each.status === 'fulfilled' ? [each.value.close()] : []))
      await Promise.all([...[...this.watched.values()].map((source) => source.close()), ...closing])
    } finally {
      this.watchdog?.close()
    }
  }

  private openWatched(name: 'monitor' | 'tracking'): WatchedSource {
    const { accesses, probe, clock } = this.world
    this.watchdog ??= startWatchdog(accesses)
    const { watchdog } = this
    const source =
      name === 'monitor'
        ? createMonitorSource(accesses, { probe, watchdog, clock })
        : createTrackingSource(accesses, { watchdog, clock })
    this.watched.set(name, source)
    return source
  }

  private async openSlowlog(): Promise<BurstSource> {
    const { accesses, probe, clock, directory } = this.world
    return createSlowlogSource(accesses, clock, {
      positions: await probe.positions(),
      ledger: await openSettingsLedger(directory),
      archive: openSlowlogArchive(join(directory, 'slowlog.jsonl')),
    })
  }

  private async openRanking(name: LiveSource, { server }: NodeFacts): Promise<RankingSource> {
    const { accesses, clock, directory } = this.world
    if (name === 'lfu') return createLfuScanSource(accesses, clock, { budget: this.wish.budget.share })
    const opsPerSec = (node: string) => this.facts.get(node)?.opsPerSec ?? 0
    if (server === 'redis') return createNativeRedisSource(accesses, clock, { opsPerSec })
    const ledger = this.wish.allowConfig ? { ledger: await openSettingsLedger(directory) } : {}
    return createNativeValkeySource(accesses, clock, { opsPerSec, ...ledger })
  }

  private once(
    name: string,
    open: () => Promise<BurstSource | RankingSource>,
  ): Promise<BurstSource | RankingSource> {
    const known = this.opened.get(name) ?? open()
    this.opened.set(name, known)
    return known
  }

  private async nativeState({ node, server }: NodeFacts): Promise<NativeState> {
    const access = this.world.accesses.find((each) => each.node.id === node)
    if (!access || (this.wish.source !== 'auto' && this.wish.source !== 'native')) return { kind: 'none' }
    const connection = await openConnection(access)
    try {
      return await (server === 'redis' ? readRedisSession(connection) : readValkeyDetection(connection))
    } finally {
      connection.close()
    }
  }
}
