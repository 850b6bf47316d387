/** A real twemproxy with the pools of a test, where Debian's `nutcracker` is installed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { access, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { systemClock } from '../../src/clock.js'
import { openConnection, type RespConnection } from '../../src/redis/resp-connection.js'
import { freePort, testNode } from './redis-servers.js'

export interface Pool {
  readonly hash: string
  readonly distribution: 'ketama' | 'modula'
  readonly hashTag?: string
  /** As in nutcracker.yml: `host:port:weight name`. */
  readonly servers: readonly string[]
}

export async function findNutcracker(): Promise<string | undefined> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']) {
    const path = join(folder, 'nutcracker')
    if (
      folder &&
      (await access(path).then(
        () => true,
        () => false,
      ))
    )
      return path
  }
  return undefined
}

export interface Nutcracker {
  /** A connection to the pool of that index. */
  connect(pool: number): Promise<RespConnection>
  stop(): Promise<void>
}

export async function startNutcracker(
  binary: string,
  directory: string,
  pools: readonly Pool[],
): Promise<Nutcracker> {
  const ports = await Promise.all(pools.map(() => freePort()))
  const text = pools.map((pool, index) => poolText(pool, index, ports[index]!)).join('')
  const path = join(directory, 'nutcracker.yml')
  await writeFile(path, text)
  const log = join(directory, 'nutcracker.log') // the built-in default is root's alone
  const child = spawn(binary, ['-c', path, '-o', log, '-s', String(await freePort()), '-a', '127.0.0.1'], {
    stdio: 'ignore',
  })
  const connections: RespConnection[] = []
  const connect = async (pool: number) => {
    for (let attempt = 0; ; attempt++) {
      try {
        const connection = await openConnection({ node: testNode('nutcracker', ports[pool]!) })
        connections.push(connection)
        return connection
      } catch (error) {
        if (attempt === 200 || child.exitCode !== null) throw error
        await systemClock.sleep(20) // not listening yet
      }
    }
  }
  return { connect, stop: () => stop(child, connections) }
}

function poolText({ hash, distribution, hashTag, servers }: Pool, index: number, port: number): string {
  const tag = hashTag === undefined ? '' : `  hash_tag: "${hashTag}"\n`
  const list = servers.map((server) => `   - ${server}\n`).join('')
  return `pool${index}:\n  listen: 127.0.0.1:${port}\n  hash: ${hash}\n${tag}  distribution: ${distribution}\n  redis: true\n  servers:\n${list}`
}

async function stop(child: ChildProcess, connections: readonly RespConnection[]): Promise<void> {
  for (const connection of connections) connection.close()
  if (child.exitCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  await ended
}
