/** A real etcd of one test, where Debian's `etcd-server` (or another) is on PATH. */
import { type ChildProcess, spawn } from 'node:child_process'
import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { systemClock } from '../../src/clock.js'
import { freePort } from './redis-servers.js'

export interface Etcd {
  readonly endpoint: string
  /** kill -9, and the same data again. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export async function findEtcd(): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, 'etcd')
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (folder && isThere) return path
  }
  return undefined
}

export async function startEtcd(binary: string): Promise<Etcd> {
  const directory = await mkdtemp(join(tmpdir(), 'cachectl-test-etcd-'))
  const [client, peer] = [await freePort(), await freePort()]
  const endpoint = `http://127.0.0.1:${client}`
  const peerUrl = `http://127.0.0.1:${peer}`
  const start = () =>
    spawn(
      binary,
      [
        ...['--data-dir', directory, '--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
        ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
        ...['--initial-cluster', `default=${peerUrl}`],
      ],
      { stdio: 'ignore' },
    )
  let child = start()
  await untilHealthy(endpoint, child)
  return {
    endpoint,
    restart: async () => {
      await end(child)
      child = start()
      await untilHealthy(endpoint, child)
    },
    stop: async () => {
      await end(child)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function untilHealthy(endpoint: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await fetch(`${endpoint}/health`)
      if (response.ok && (await response.text()).includes('true')) return
    } catch (error) {
      if (attempt === 1_000 || child.exitCode !== null) throw error
    }
    await systemClock.sleep(20) // not up yet
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGKILL')
  await ended
}
