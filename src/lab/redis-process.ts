/** One server process: started with its configuration on stdin, so that no secret stands in argv; stopped by pid. */
import { spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.js'
import { unreachable } from '../errors.js'
import { printable } from '../printable.js'
import { isAlive, type ProcessIdentity, startTimeOf } from '../process-identity.js'
import type { Address } from '../ring/topology.js'
import type { ServerBinary } from './server-binary.js'

export interface StartOptions {
  readonly binary: ServerBinary
  readonly address: Address
  /** An existing folder of the server's own: its log and its working directory. */
  readonly directory: string
  readonly password?: string
  /** The server outlives this process. */
  readonly detached: boolean
}

/** Starts the server and returns at once; the caller waits until it answers. */
export async function startProcess(options: StartOptions): Promise<ProcessIdentity> {
  const log = await open(join(options.directory, 'server.log'), 'w', 0o600)
  try {
    const child = spawn(options.binary.path, ['-'], {
      cwd: options.directory,
      env: { ...process.env, ...options.binary.env },
      stdio: ['pipe', log.fd, log.fd],
      detached: options.detached,
    })
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('spawn', resolve)
    })
    child.stdin?.on('error', () => child.unref()) // it died before it read its configuration: its log says why
    child.stdin?.end(configuration(options))
    child.unref()
    const pid = child.pid ?? 0
    return { pid, startTime: (await startTimeOf(pid)) ?? '' }
  } finally {
    await log.close()
  }
}

function configuration({ address, password, directory }: StartOptions): string {
  const listen =
    address.kind === 'unix'
      ? [`port 0`, `unixsocket ${quote(address.path)}`, 'unixsocketperm 700']
      : [`port ${address.port}`, `bind ${address.host === 'localhost' ? '127.0.0.1' : address.host}`]
  const secret = password === undefined ? [] : [`requirepass ${quote(password)}`]
  const lines = [...listen, ...secret, `dir ${quote(directory)}`, 'save ""', 'appendonly no', 'daemonize no']
  return `${lines.join('\n')}\n`
}

function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r')}"`
}

/** SIGTERM, and SIGKILL when it is not gone within the deadline; only ever the very process that was recorded. */
export async function stopProcess(
  identity: ProcessIdentity,
  clock: Clock,
  deadlineMs = 5_000,
): Promise<void> {
  for (const name of ['SIGTERM', 'SIGKILL'] as const) {
    if (!(await isAlive(identity))) return
    process.kill(identity.pid, name)
    const startedMs = clock.nowMs()
    while (clock.nowMs() - startedMs < deadlineMs) {
      if (!(await isAlive(identity))) return
      await clock.sleep(20)
    }
  }
  throw unreachable(`process ${identity.pid} does not end, not even by SIGKILL`)
}

/** The end of a server's log, for the error that says why it did not start. */
export async function logTail(directory: string): Promise<string> {
  const text = await readFile(join(directory, 'server.log'), 'utf8').catch(() => '')
  const lines = text.trim().split('\n')
  return lines
    .slice(-3)
    .map((line) => printable(line))
    .join('\n')
}
