/** A private PostgreSQL of one suite, where Debian's `postgresql` (or another) is installed: a socket in a folder of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { access, chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { systemClock } from '../../src/clock.js'
import { freePort } from './redis-servers.js'

export interface Postgres {
  /** Over loopback TCP, without a password: trust is the server's rule. */
  readonly url: string
  readonly port: number
  query(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** As a crash: nothing is completed. */
  kill(): Promise<void>
  /** Ends it unless it is dead already, and starts it on the same data. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const run = promisify(execFile)
const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGQUIT')
})

/** The folder of `initdb` and `postgres`; undefined: there is none. */
export async function findPostgres(): Promise<string | undefined> {
  const debian = '/usr/lib/postgresql'
  const versions = (await readdir(debian).catch(() => [])).sort((a, b) => Number(b) - Number(a))
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
    ...versions.map((version) => join(debian, version, 'bin')),
  ]
  for (const folder of folders) {
    const isThere = await Promise.all(['initdb', 'postgres'].map((name) => access(join(folder, name)))).then(
      () => true,
      () => false,
    )
    if (isThere) return folder
  }
  return undefined
}

export async function startPostgres(binaries: string): Promise<Postgres> {
  const directory = await mkdtemp(join(tmpdir(), 'cachectl-test-pg-'))
  const who = await unprivileged()
  if (who) await chown(directory, who.uid, who.gid)
  const data = join(directory, 'data')
  const options = { ...who, cwd: directory, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } }
  const init = ['-D', data, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--no-instructions']
  await run(join(binaries, 'initdb'), init, options)
  let port = 0
  const start = () => {
    const settings = ['fsync=off', 'full_page_writes=off', 'max_connections=50', 'shared_buffers=16MB']
    const child = spawn(
      join(binaries, 'postgres'),
      [
        ...['-D', data, '-k', directory, '-h', '127.0.0.1', '-p', String(port)],
        ...settings.flatMap((setting) => ['-c', setting]),
      ],
      { ...options, stdio: 'ignore' },
    )
    children.add(child)
    return child
  }
  let child!: ChildProcess
  for (let attempt = 0; ; attempt++) {
    port = await freePort()
    child = start()
    if (await answers(port, child)) break
    await end(child)
    // another suite took the port between our look and the server's bind
    if (attempt === 5) throw new Error(`PostgreSQL did not start on port ${port}`)
  }
  return {
    url: `postgres://test@127.0.0.1:${port}/postgres`,
    port,
    query: (text, values = []) => ask(port, text, values),
    kill: () => end(child),
    restart: async () => {
      await end(child)
      child = start()
      if (!(await answers(port, child))) throw new Error('PostgreSQL did not start again')
    },
    stop: async () => {
      await end(child)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function ask(port: number, text: string, values: readonly unknown[]) {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'test', database: 'postgres' })
  await client.connect()
  try {
    const { rows } = await client.query(text, [...values])
    return rows
  } finally {
    await client.end()
  }
}

async function answers(port: number, child: ChildProcess): Promise<boolean> {
  for (let attempt = 0; attempt < 1_000 && child.exitCode === null; attempt++) {
    try {
      const [row] = await ask(port, 'SELECT pg_postmaster_start_time()', [])
      if (row) return true
    } catch {
      await systemClock.sleep(20) // not up yet
    }
  }
  return false
}

/** PostgreSQL refuses to run as root: the user that its package made, or nobody. undefined: we are not root. */
async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  for (const user of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, user])))
      return { uid: Number(uid!.stdout), gid: Number(gid!.stdout) }
    } catch {
      // no such user here
    }
  }
  throw new Error('no user but root to run PostgreSQL as')
}

/** SIGQUIT ends it at once, as a crash does, and takes its processes along, which kill -9 would leave behind. */
async function end(child: ChildProcess): Promise<void> {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGQUIT')
  await ended
}
