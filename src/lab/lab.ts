/**
 * The loopback nodes of a topology as local server processes that outlive the command.
 * Invariant: a server that this lab did not start is never stopped, configured or written to.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../clock.js'
import { describeError, refused, unreachable } from '../errors.js'
import type { LabNode, LabResult } from '../operations/ports.js'
import { isAlive, type ProcessIdentity } from '../process-identity.js'
import { type Address, formatAddress, type NodeSpec, type Topology } from '../ring/topology.js'
import { logTail, startProcess, stopProcess } from './redis-process.js'
import { findServerBinary, type ServerBinary } from './server-binary.js'

export interface Lab {
  readonly topology: Topology
  /** Holds a folder a node; see `labDirectory`. */
  readonly directory: string
  readonly clock: Clock
  readonly env: NodeJS.ProcessEnv
  readPassword(node: NodeSpec): Promise<string | undefined>
}

const startDeadlineMs = 10_000

/** Where the lab of a topology file keeps its records: one folder a file, under the user's state directory. */
export function labDirectory(topologyPath: string, env: NodeJS.ProcessEnv): string {
  const state = env.XDG_STATE_HOME || join(homedir(), '.local', 'state')
  return join(state, 'cachectl', 'lab', createHash('sha256').update(topologyPath).digest('hex').slice(0, 16))
}

/** Starts what is not running. On failure or abort, what this call started is stopped again. */
export async function labUp(lab: Lab, signal: AbortSignal): Promise<LabResult> {
  const remote = lab.topology.nodes.filter((node) => !isLoopback(node.address))
  if (remote.length > 0) {
    const names = remote.map((node) => `${node.id} (${formatAddress(node.address)})`).join(', ')
    throw refused(
      `not on this machine: ${names}`,
      'The lab runs nodes on 127.0.0.0/8, ::1, localhost or a unix socket.',
    )
  }
  const binary = await findServerBinary(lab.env)
  const started: ProcessIdentity[] = []
  try {
    const nodes: LabNode[] = []
    for (const node of lab.topology.nodes) {
      signal.throwIfAborted()
      nodes.push(await upNode(lab, node, { binary, started, signal }))
    }
    return { schema: 'cachectl/lab/v1', topology: lab.topology.name, server: binary.version, nodes }
  } catch (error) {
    for (const identity of started) await stopProcess(identity, lab.clock)
    throw error
  }
}

async function upNode(
  lab: Lab,
  node: NodeSpec,
  run: { binary: ServerBinary; started: ProcessIdentity[]; signal: AbortSignal },
): Promise<LabNode> {
  const address = formatAddress(node.address)
  const now = await nodeStatus(lab, node)
  if (now.state === 'running') return now
  if (now.state === 'foreign') {
    throw refused(
      `node ${node.id}: something else listens on ${address}; the lab did not start it and leaves it alone`,
      'Stop it yourself, or give the node another port.',
    )
  }
  const directory = join(lab.directory, node.id)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const password = await lab.readPassword(node)
  const identity = await startProcess({
    binary: run.binary,
    address: node.address,
    directory,
    detached: true,
    ...(password === undefined ? {} : { password }),
  })
  run.started.push(identity)
  await writeFile(recordPath(lab, node), `${JSON.stringify({ ...identity, address })}\n`, { mode: 0o600 })
  const startedMs = lab.clock.nowMs()
  while (!(await answers(node.address))) {
    run.signal.throwIfAborted()
    const alive = await isAlive(identity)
    if (!alive || lab.clock.nowMs() - startedMs > startDeadlineMs) {
      const why = alive ? `does not answer within ${startDeadlineMs / 1000} s` : 'ended at once'
      throw unreachable(`node ${node.id}: the server on ${address} ${why}:\n${await logTail(directory)}`)
    }
    await lab.clock.sleep(20, run.signal)
  }
  // a server that answers at once never came through the loop
  run.signal.throwIfAborted()
  return { id: node.id, address, state: 'started', pid: identity.pid }
}

export async function labStatus(lab: Lab): Promise<LabResult> {
  const nodes = await Promise.all(lab.topology.nodes.map((node) => nodeStatus(lab, node)))
  return { schema: 'cachectl/lab/v1', topology: lab.topology.name, nodes }
}

/** Stops what the lab started and forgets it; foreign servers are reported and left alone. */
export async function labDown(lab: Lab): Promise<LabResult> {
  const nodes: LabNode[] = []
  for (const node of lab.topology.nodes) {
    const now = await nodeStatus(lab, node)
    const identity = now.state === 'running' ? await readRecord(lab, node) : undefined
    if (identity) await stopProcess(identity, lab.clock)
    if (now.state !== 'foreign' && now.state !== 'remote') {
      await rm(join(lab.directory, node.id), { recursive: true, force: true })
    }
    nodes.push(identity ? { ...now, state: 'stopped' } : now)
  }
  return { schema: 'cachectl/lab/v1', topology: lab.topology.name, nodes }
}

async function nodeStatus(lab: Lab, node: NodeSpec): Promise<LabNode> {
  const base = { id: node.id, address: formatAddress(node.address) }
  if (!isLoopback(node.address)) return { ...base, state: 'remote' }
  const identity = await readRecord(lab, node)
  if (identity && (await isAlive(identity))) return { ...base, state: 'running', pid: identity.pid }
  if (await answers(node.address)) return { ...base, state: 'foreign' }
  return { ...base, state: identity ? 'stale' : 'down' }
}

function recordPath(lab: Lab, node: NodeSpec): string {
  return join(lab.directory, node.id, 'process.json')
}

async function readRecord(lab: Lab, node: NodeSpec): Promise<ProcessIdentity | undefined> {
  const path = recordPath(lab, node)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw refused(`lab record ${path}: ${describeError(error)}`, 'Remove it when its server is gone.', error)
  }
  const record: unknown = parseJson(text)
  if (
    typeof record === 'object' &&
    record &&
    'pid' in record &&
    'startTime' in record &&
    'address' in record
  ) {
    const { pid, startTime, address } = record
    // the node's address was edited since: that process is another server's
    if (address !== formatAddress(node.address)) {
      throw refused(
        `lab record ${path} is of ${String(address)}, the topology now says ${formatAddress(node.address)}`,
        'Run lab down with the old topology, or end the process and remove the record.',
      )
    }
    if (typeof pid === 'number' && typeof startTime === 'string') return { pid, startTime }
  }
  return undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // cut off by a crash while it was written: as good as no record
  }
}

function isLoopback(address: Address): boolean {
  if (address.kind === 'unix') return true
  return address.host === 'localhost' || address.host === '::1' || /^127(\.\d{1,3}){3}$/.test(address.host)
}

/** Whether a server replies to PING there, or at least something accepts connections and stays silent. */
function answers(address: Address): Promise<boolean> {
  const options =
    address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port }
  return new Promise((resolve) => {
    const socket = connect(options)
    const settle = (result: boolean) => {
      socket.destroy()
      resolve(result)
    }
    let connected = false
    socket.setTimeout(1_000, () => settle(connected))
    socket.once('connect', () => {
      connected = true
      socket.write('PING\r\n')
    })
    socket.once('data', () => settle(true))
    socket.once('error', () => settle(false))
  })
}
