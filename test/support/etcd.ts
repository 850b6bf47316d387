/** A real etcd of one test, where Debian's `etcd-server` (or another) is on PATH: one member, or a cluster. */
import { type ChildProcess, spawn } from 'node:child_process'
import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { systemClock } from '../../src/clock.js'
import { freePort } from './redis-servers.js'

export interface Etcd {
  readonly endpoint: string
  readonly port: number
  /** kill -9. */
  kill(): Promise<void>
  /** kill -9, and the same data again. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

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

/** `host`: where it listens for clients. */
export async function startEtcd(binary: string, host = '127.0.0.1'): Promise<Etcd> {
  const [member] = await startEtcdCluster(binary, { count: 1, host })
  return member!
}

export async function startEtcdCluster(
  binary: string,
  { count, host = '127.0.0.1' }: { count: number; host?: string },
): Promise<Etcd[]> {
  const members = []
  for (let index = 0; index < count; index++)
    members.push({
      name: `m${index}`,
      port: await freePort(),
      peerUrl: `http://127.0.0.1:${await freePort()}`,
    })
  const cluster = members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',')
  return Promise.all(members.map((member) => startMember(binary, { ...member, host, cluster })))
}

interface Member {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly peerUrl: string
  readonly cluster: string
}

async function startMember(binary: string, { name, host, port, peerUrl, cluster }: Member): Promise<Etcd> {
  const directory = await mkdtemp(join(tmpdir(), 'cachectl-test-etcd-'))
  const endpoint = `http://${host}:${port}`
  const start = () => {
    const child = spawn(
      binary,
      [
        ...['--name', name, '--data-dir', directory],
        ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
        ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
        ...['--initial-cluster', cluster],
      ],
      { stdio: 'ignore' },
    )
    children.add(child)
    return child
  }
  let child = start()
  await untilHealthy(endpoint, child)
  return {
    endpoint,
    port,
    kill: () => end(child),
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
      if ((await response.text()).includes('true')) return
    } catch (error) {
      if (attempt === 1_000 || child.exitCode !== null) throw error
    }
    await systemClock.sleep(20) // not up yet
  }
}

async function end(child: ChildProcess): Promise<void> {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGKILL')
  await ended
}
