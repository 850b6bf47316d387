/** One Redis server that syncs every write, as a control store's must, and that survives kill -9. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.js'
import { findServerBinary } from '../../src/lab/server-binary.js'
import { openConnection } from '../../src/redis/resp-connection.js'
import type { NodeSpec } from '../../src/ring/topology.js'
import { freePort, testNode } from './redis-servers.js'

export interface DurableRedis {
  readonly node: NodeSpec
  readonly port: number
  call(...command: [string, ...(string | number)[]]): Promise<unknown>
  /** kill -9, and the same data again. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

export async function startDurableRedis(): Promise<DurableRedis> {
  const binary = await findServerBinary(process.env)
  const directory = await mkdtemp(join(tmpdir(), 'cachectl-test-control-'))
  const port = await freePort()
  const node = testNode('control', port)
  const call: DurableRedis['call'] = async (...command) => {
    const connection = await openConnection({ node })
    try {
      return await connection.call(...command)
    } finally {
      connection.close()
    }
  }
  const start = async () => {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '']
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always']
    const started = spawn(binary.path, [...args, ...durable], {
      env: { ...process.env, ...binary.env },
      stdio: 'ignore',
    })
    children.add(started)
    for (let attempt = 0; ; attempt++) {
      try {
        await call('PING')
        return started
      } catch (error) {
        if (attempt === 500 || started.exitCode !== null) throw error
        await systemClock.sleep(20) // not listening yet, or still reading its data
      }
    }
  }
  let child = await start()
  return {
    node,
    port,
    call,
    restart: async () => {
      await end(child)
      child = await start()
    },
    stop: async () => {
      await end(child)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGKILL')
  await ended
}
