/** MONITOR in counted bursts, a connection a node, each burst under the watchdog's eyes. */
import type { Clock } from '../../clock.js'
import { stopped } from '../../errors.js'
import { lineHeadBytes, monitoringMicros, seedCost } from '../../hotkeys/cost-model.js'
import type { NodeFacts } from '../../hotkeys/node-facts.js'
import type { BurstLimits, BurstSource } from '../../operations/hotkeys/ports.js'
import type { NodeAccess } from '../../operations/ports.js'
import { nodeName } from '../socket.js'
import { MonitorConnection } from './monitor-connection.js'
import type { NodeProbe } from './node-probe.js'
import type { Watchdog } from './watchdog.js'

export interface MonitorSource extends BurstSource {
  /** Before a node's first burst. */
  expect(facts: NodeFacts): void
}

/** What a monitor may have waiting for it at a server before it is ended from outside. */
const tolerableBytes = 256 * 1024
const shortestGraceMs = 5
const longestGraceMs = 60
const mostKillsInARow = 10
const mostAttempts = 3

export function createMonitorSource(
  accesses: readonly NodeAccess[],
  { probe, watchdog, clock }: { probe: NodeProbe; watchdog: Watchdog; clock: Clock },
): MonitorSource {
  const byId = new Map(accesses.map((access) => [access.node.id, access]))
  const facts = new Map<string, NodeFacts>()
  const connections = new Map<string, MonitorConnection>()
  let killsInARow = 0

  const connectionTo = async (access: NodeAccess): Promise<MonitorConnection> => {
    const { id } = access.node
    const open = connections.get(id)
    if (open && !open.isLost) return open
    const fresh = await MonitorConnection.open(access, {
      positions: await probe.positions(),
      sent: (count) => probe.sent(id, count),
    })
    connections.set(id, fresh)
    return fresh
  }
  const armedBurst = async (access: NodeAccess, known: NodeFacts, limits: BurstLimits) => {
    for (let attempt = 1; ; attempt++) {
      const connection = await connectionTo(access)
      const kills = watchdog.killCount
      watchdog.arm(known.node, connection.clientId, deadlineMs(known, limits))
      try {
        const seen = await connection.burst(limits)
        killsInARow = watchdog.killCount > kills ? killsInARow + 1 : 0
        return seen
      } catch (error) {
        // a kill that came as the burst before ended, or a suspension, has closed it: a node that is gone lets none open
        if (!connection.isLost || attempt === mostAttempts) throw error
      } finally {
        watchdog.disarm(known.node)
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
      await watchdog.ready
      const atMs = clock.nowMs()
      const seen = await armedBurst(access, known, limits)
      if (killsInARow >= mostKillsInARow) throw tooSlow(access)
      const cost = seedCost(known.server, known.version)
      const micros = monitoringMicros(seen.lines, seen.argumentBytes, cost)
      return { node, atMs, commands: seen.commands, bytes: seen.bytes, costMicros: cost.burstMicros + micros }
    },
    close: async () => {
      for (const connection of connections.values()) connection.close()
    },
  }
}

/** As long as the burst should take, and as long again as the server may write for us without being read. */
function deadlineMs({ opsPerSec, bytesPerCommand }: NodeFacts, { maxLines, maxMs }: BurstLimits): number {
  const perMs = opsPerSec / 1000
  const expectedMs = perMs > 0 ? Math.min(maxMs, maxLines / perMs) : maxMs
  const bytesPerMs = perMs * (bytesPerCommand + lineHeadBytes)
  const graceMs = bytesPerMs > 0 ? (2 * tolerableBytes) / bytesPerMs : longestGraceMs
  return expectedMs + Math.max(shortestGraceMs, Math.min(longestGraceMs, graceMs))
}

function tooSlow({ node }: NodeAccess): Error {
  return stopped(
    `node ${nodeName(node)}: ${mostKillsInARow} bursts in a row were not read in time and had to be ended from outside`,
    'This machine is too busy, or the way to the node too slow: run it from another one.',
  )
}
