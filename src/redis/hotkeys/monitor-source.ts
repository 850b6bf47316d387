/** MONITOR in counted bursts, a connection a node, each burst under the watchdog's eyes. */
import type { Clock } from '../../clock.js'
import { monitoringMicros, seedCost } from '../../hotkeys/cost-model.js'
import type { NodeFacts } from '../../hotkeys/node-facts.js'
import type { BurstLimits } from '../../operations/hotkeys/ports.js'
import type { NodeAccess } from '../../operations/ports.js'
import { BurstGuard, mostKillsInARow, type WatchedSource } from './burst-guard.js'
import { MonitorConnection } from './monitor-connection.js'
import type { NodeProbe } from './node-probe.js'
import type { Watchdog } from './watchdog.js'

export function createMonitorSource(
  accesses: readonly NodeAccess[],
  { probe, watchdog, clock }: { probe: NodeProbe; watchdog: Watchdog; clock: Clock },
): WatchedSource {
  const byId = new Map(accesses.map((access) => [access.node.id, access]))
  const facts = new Map<string, NodeFacts>()
  const connections = new Map<string, MonitorConnection>()
  const guard = new BurstGuard(watchdog, clock)

  const connectionTo = async (access: NodeAccess): Promise<MonitorConnection> => {
    const { id } = access.node
    const open = connections.get(id)
    if (open && !open.isLost) return open
    const fresh = await MonitorConnection.open(access, {
      positions: await probe.positions(),
      sent: (count) => probe.sent(id, count),
      timed: (answer) => guard.timed(id, answer),
    })
    connections.set(id, fresh)
    return fresh
  }
  const guardedBurst = async (access: NodeAccess, known: NodeFacts, limits: BurstLimits) => {
    for (let attempt = 1; ; attempt++) {
      const connection = await connectionTo(access)
      const guarded = { facts: known, limits, client: connection.clientId }
      try {
        return await guard.run(access, guarded, () => connection.burst(limits))
      } catch (error) {
        // a kill before the burst began, or a suspension, has closed it: a node that is gone lets none open
        if (!connection.isLost || attempt > mostKillsInARow) throw error
      }
    }
  }

  return {
    name: 'monitor',
    sees: 'commands',
    notes: [],
    expect: (known) => facts.set(known.node, known),
    async burst(node, limits) {
      const access = byId.get(node)
      const known = facts.get(node)
      if (!access || !known) throw new Error(`nothing is known of node ${node}`)
      const atMs = clock.nowMs()
      const seen = await guardedBurst(access, known, limits)
      const cost = seedCost(known.server, known.version)
      const micros = monitoringMicros(seen.lines, seen.argumentBytes, cost)
      return { node, atMs, commands: seen.commands, bytes: seen.bytes, costMicros: cost.burstMicros + micros }
    },
    close: async () => {
      for (const connection of connections.values()) connection.close()
    },
  }
}
