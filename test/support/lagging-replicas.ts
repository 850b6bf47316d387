/** A replica for each of some servers, whose stream comes late through a proxy. */
import { readFile, writeFile } from 'node:fs/promises'
import { systemClock } from '../../src/clock.js'
import { startFaultProxy } from './fault-proxy.js'
import { startServers, type TestServer } from './redis-servers.js'

export interface LaggingReplicas {
  /** Writes them into a topology file in block style. */
  nameIn(file: string): Promise<void>
  /** GETs that they have answered. */
  readCount(): Promise<number>
  stop(): Promise<void>
}

export async function startLaggingReplicas(
  nodes: readonly TestServer[],
  lagMs: number,
): Promise<LaggingReplicas> {
  const links = await Promise.all(nodes.map(({ port }) => startFaultProxy(port)))
  const replicas = await startServers(nodes.length)
  const connections = await Promise.all(nodes.map((_, index) => replicas.connect(index)))
  for (const [index, replica] of connections.entries()) {
    await replica.call('REPLICAOF', '127.0.0.1', links[index]!.port)
    while (!/master_link_status:up/.test(String(await replica.call('INFO', 'replication'))))
      await systemClock.sleep(20)
    links[index]!.set({ kind: 'latency', ms: lagMs })
  }
  return {
    nameIn: async (file) => {
      let text = await readFile(file, 'utf8')
      for (const [index, { url }] of nodes.entries())
        text = text.replace(`url: ${url}\n`, `url: ${url}\n    replicas: [${replicas.servers[index]!.url}]\n`)
      await writeFile(file, text)
    },
    readCount: async () => {
      const infos = await Promise.all(connections.map((each) => each.call('INFO', 'commandstats')))
      return infos.reduce<number>(
        (sum, info) => sum + Number(/cmdstat_get:calls=(\d+)/.exec(String(info))?.[1] ?? 0),
        0,
      )
    },
    stop: async () => {
      await replicas.stop()
      await Promise.all(links.map((link) => link.close()))
    },
  }
}
