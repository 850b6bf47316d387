/** Real servers on free ports, for one suite each: started, waited for, and gone at the end whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lookName } from '../../src/cache/ports.js'
import { systemClock } from '../../src/clock.js'
import { findServerBinary } from '../../src/lab/server-binary.js'
import { openConnection, type RespConnection } from '../../src/redis/resp-connection.js'
import { defaultHash, defaultPointsPerWeight } from '../../src/ring/algorithms.js'
import type { NodeSpec, RingSpec, Topology } from '../../src/ring/topology.js'

export interface TestServer {
  readonly id: string
  readonly port: number
  readonly url: string
  readonly pid: number
  readonly node: NodeSpec
}

export interface TestServers {
  readonly servers: readonly TestServer[]
  readonly directory: string
  connect(index: number): Promise<RespConnection>
  /** A topology file over the first `count` servers (all by default); `urlOf`: where one is reached through a proxy. */
  topologyFile(options?: {
    count?: number
    ring?: string
    name?: string
    urlOf?: (server: TestServer, index: number) => string
  }): Promise<string>
  /** kill -9. */
  kill(index: number): Promise<void>
  /** kill -9 unless it is dead already, and a new process on the same port and folder. */
  restart(index: number): Promise<void>
  stop(): Promise<void>
}

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** `args` go to every server, as on redis-server's command line. */
export async function startServers(
  count: number,
  options: { args?: readonly string[] } = {},
): Promise<TestServers> {
  const directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  const servers = await Promise.all(
    Array.from({ length: count }, (_, index) => startServer(`n${index + 1}`, directory, options.args ?? [])),
  )
  const connections: RespConnection[] = []
  return {
    get servers() {
      return servers.map(({ server }) => server)
    },
    directory,
    kill: (index) => end(servers[index]!.child),
    restart: async (index) => {
      const { child, server, directory: own } = servers[index]!
      await end(child)
      servers[index] = await startOn(server.id, {
        port: server.port,
        directory: own,
        args: options.args ?? [],
      })
    },
    connect: async (index) => {
      const connection = await openConnection({ node: servers[index]!.server.node }, { clientName: lookName })
      connections.push(connection)
      return connection
    },
    topologyFile: async ({ count: nodeCount = count, ring = '', name = 'cachectl.yaml', urlOf } = {}) => {
      const path = join(directory, name)
      const nodes = servers
        .slice(0, nodeCount)
        .map(
          ({ server }, index) => `  - id: ${server.id}\n    url: ${urlOf?.(server, index) ?? server.url}\n`,
        )
      await writeFile(path, `name: test\n${ring}nodes:\n${nodes.join('')}`)
      return path
    },
    stop: async () => {
      for (const connection of connections) connection.close()
      await Promise.all(servers.map(({ child }) => end(child)))
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export function testNode(id: string, port: number): NodeSpec {
  return {
    id,
    url: `redis://127.0.0.1:${port}`,
    address: { kind: 'tcp', host: '127.0.0.1', port },
    db: 0,
    weight: 1,
  }
}

export function testTopology(nodes: readonly NodeSpec[], ring: Partial<RingSpec> = {}): Topology {
  const algorithm = ring.algorithm ?? 'ring'
  const defaults = {
    algorithm,
    hash: defaultHash(algorithm),
    pointsPerWeight: defaultPointsPerWeight(algorithm),
    charSign: 'signed' as const,
  }
  return { name: 'test', ring: { ...defaults, ...ring }, nodes }
}

async function startServer(id: string, parent: string, args: readonly string[]) {
  const directory = await mkdtemp(join(parent, `${id}-`))
  for (let attempt = 0; ; attempt++) {
    try {
      return await startOn(id, { port: await freePort(), directory, args })
    } catch (error) {
      // another suite took the port between our look and the server's bind
      if (attempt === 5) throw error
    }
  }
}

async function startOn(id: string, place: { port: number; directory: string; args: readonly string[] }) {
  const { port, directory, args } = place
  const binary = await findServerBinary(process.env)
  const child = spawn(
    binary.path,
    [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory],
      ...['--save', '', '--appendonly', 'no', ...args],
    ],
    { env: { ...process.env, ...binary.env }, stdio: 'ignore' },
  )
  children.add(child)
  const node = testNode(id, port)
  if (await answers(node, child))
    return { child, directory, server: { id, port, url: node.url, pid: child.pid!, node } }
  await end(child)
  throw new Error(`server ${id} did not start on port ${port}`)
}

async function answers(node: NodeSpec, child: ChildProcess): Promise<boolean> {
  for (let attempt = 0; attempt < 500 && child.exitCode === null; attempt++) {
    try {
      const connection = await openConnection({ node })
      const [reply] = await connection.send([['PING']])
      const [info] = await connection.send([['INFO', 'server']])
      connection.close()
      const isOurs = Buffer.isBuffer(info) && info.includes(`process_id:${child.pid}\r\n`)
      if (reply === 'PONG' || isOurs) return true
      // a server with a password answers NOAUTH: it is up
      return reply !== null
    } catch {
      await systemClock.sleep(20) // not listening yet
    }
  }
  return false
}

async function end(child: ChildProcess): Promise<void> {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGCONT')
  child.kill('SIGKILL')
  await ended
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return typeof address === 'object' && address ? address.port : 0
}
