/**
 * The host with the servers, the etcd and the operator: `ring add` runs here while an application on the other host works.
 * Tells how long after each publication the application had followed.
 */
import { spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock } from '../../src/clock.js'
import { readJournal } from '../../src/files/journal.js'
import { loadTopology } from '../../src/files/topology-file.js'
import { journalPath, openControl } from '../../src/open-control.js'
import { runCli } from './cli.js'
import { findEtcd, startEtcd } from './etcd.js'
import type { ClientReport } from './host-of-client.js'
import { startServers } from './redis-servers.js'

export interface OperatorReport {
  /** ms from before the publication of each epoch until its ack was seen. */
  readonly delaysMs: Record<string, number>
  readonly movedKeyCount: number
  readonly fencedClients: readonly string[]
  readonly clientFileIsUntouched: boolean
  readonly clientPid: number
  readonly checkExitCode: number | null
  readonly client: ClientReport
}

const [host, ...onOtherHost] = process.argv.slice(2) as [string, ...string[]]
const listen = host === '127.0.0.1' ? [] : ['--bind', '127.0.0.1', host, '--protected-mode', 'no']
process.on('SIGTERM', () => process.exit(1)) // so that its servers end with it
const servers = await startServers(4, { args: listen })
const etcd = await startEtcd((await findEtcd())!, host)
try {
  process.stdout.write(`${JSON.stringify(await addNode())}\n`)
} finally {
  await etcd.stop()
  await servers.stop()
}

async function topologyIn(folder: string): Promise<string> {
  const path = join(servers.directory, folder, 'cachectl.yaml')
  await mkdir(join(servers.directory, folder))
  const nodes = servers.servers
    .slice(0, 3)
    .map(({ id, port }) => `  - {id: ${id}, url: "redis://${host}:${port}"}\n`)
  const control = `control: {url: "${etcd.endpoint.replace('http', 'etcd')}"}`
  await writeFile(path, `name: two-hosts\n${control}\nnodes:\n${nodes.join('')}`)
  return path
}

async function addNode(): Promise<OperatorReport> {
  const [ours, theirs] = [await topologyIn('operator'), await topologyIn('application')]
  const theirText = await readFile(theirs, 'utf8')
  const applied = await runCli(['ring', 'apply', '-t', ours, '--yes'])
  if (applied.exitCode !== 0) throw new Error(applied.stderr)
  const [command, ...args] = [
    ...onOtherHost,
    ...[process.execPath, new URL('./host-of-client.js', import.meta.url).pathname, theirs],
  ] as [string, ...string[]]
  const client = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]()
  await lines.next()

  const control = await openControl(await loadTopology(ours))
  let isOver = false
  const following = seeAcks(control, () => isOver)
  const newcomer = `n4=redis://${host}:${servers.servers[3]!.port}`
  const added = await runCli(['ring', 'add', newcomer, '-t', ours, '--yes', '--json'])
  if (added.exitCode !== 0) throw new Error(added.stderr + added.stdout)
  isOver = true
  const seenMs = await following
  client.stdin.end()
  const report = JSON.parse(String((await lines.next()).value)) as ClientReport
  await control.close()
  const { movedKeyCount, fencedClients } = JSON.parse(added.stdout)
  const { records } = await readJournal(journalPath(ours))
  const delaysMs: Record<string, number> = {}
  for (const { at, step, details } of records) {
    if (step === 'prepare' || step === 'migrate' || step === 'commit')
      delaysMs[step] = seenMs.get(Number(details.epoch))! - Date.parse(at)
  }
  return {
    delaysMs,
    movedKeyCount,
    fencedClients,
    clientFileIsUntouched: (await readFile(theirs, 'utf8')) === theirText,
    clientPid: client.pid!,
    checkExitCode: (await runCli(['ring', 'check', '-t', ours])).exitCode,
    client: report,
  }
}

/** When each epoch was first seen to be served by every client. */
async function seeAcks(
  control: Awaited<ReturnType<typeof openControl>>,
  isOver: () => boolean,
): Promise<Map<number, number>> {
  const seenMs = new Map<number, number>()
  for (let last = false; !last; ) {
    last = isOver()
    const acked = Math.min(...(await control.clients()).map(({ ackedEpoch }) => ackedEpoch))
    for (let epoch = 1; epoch <= acked; epoch++)
      if (!seenMs.has(epoch)) seenMs.set(epoch, systemClock.wallMs())
    await systemClock.sleep(5)
  }
  return seenMs
}
