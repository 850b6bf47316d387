/** A ring with keys of every type, a node that can join it, and the question whether everything is still there. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { systemClock } from '../../src/clock.js'
import { loadTopology, parseTopology } from '../../src/files/topology-file.js'
import { openControl } from '../../src/open-control.js'
import { freshSeed } from '../../src/random.js'
import { RingClient } from '../../src/redis/ring-client.js'
import { buildRing } from '../../src/ring/build-ring.js'
import { type CliResult, root, runCli, startCli } from './cli.js'
import { awkwardKey, createCommands, fingerprint } from './data-set.js'
import { startServers, type TestServers } from './redis-servers.js'
import { judge, startWorkload, type Verdict, type Workload } from './ring-workload.js'

export const seed = Number(process.env.SEED ?? freshSeed())

export interface ChangingRingOptions {
  /** Nodes of the ring; one more server stands beside it. Default 2. */
  readonly nodes?: number
  /** Default 2,000. */
  readonly keys?: number
  /** For every server. */
  readonly args?: readonly string[]
  /** Where a node is reached; index `nodes` is the joining one. Default: directly. */
  readonly urlOf?: (servers: TestServers, index: number) => Promise<string>
  /** Of the ring; default `test`. */
  readonly name?: string
  /** More of the topology file: a control store. */
  readonly more?: string
}

type Env = Readonly<Record<string, string>>

export class ChangingRing {
  private original: Awaited<ReturnType<typeof fingerprint>> = new Map()

  private constructor(
    readonly servers: TestServers,
    readonly file: string,
    private readonly urls: readonly string[],
  ) {}

  static async start(options: ChangingRingOptions = {}): Promise<ChangingRing> {
    const { nodes = 2, keys = 2_000, args = [], more = '' } = options
    const servers = await startServers(nodes + 1, { args })
    const urls = await Promise.all(
      servers.servers.map(({ url }, index) => options.urlOf?.(servers, index) ?? url),
    )
    const file = await servers.topologyFile({ count: nodes, ring: more, urlOf: (_, index) => urls[index]! })
    const ring = new ChangingRing(servers, file, urls)
    if (options.name)
      await writeFile(file, (await readFile(file, 'utf8')).replace('name: test', `name: ${options.name}`))
    await ring.fill(keys)
    await ring.succeeds(['ring', 'apply', '-t', file, '--yes'])
    return ring
  }

  /** The index of the server that joins and leaves. */
  get spare(): number {
    return this.urls.length - 1
  }

  /** Its id. */
  get newcomer(): string {
    return this.servers.servers[this.spare]!.id
  }

  add(...flags: string[]): string[] {
    return ['ring', 'add', `${this.newcomer}=${this.urls[this.spare]}`, '-t', this.file, '--yes', ...flags]
  }

  remove(...flags: string[]): string[] {
    return ['ring', 'remove', this.newcomer, '-t', this.file, '--yes', ...flags]
  }

  resume(...flags: string[]): string[] {
    return ['ring', 'resume', '-t', this.file, '--yes', ...flags]
  }

  async succeeds(args: readonly string[], env: Env = {}): Promise<CliResult> {
    const result = await runCli(args, { env })
    assert.equal(result.exitCode, 0, result.stdout + result.stderr)
    return result
  }

  /** The exit code and what must be in the message. */
  async fails(args: readonly string[], exitCode: number, message: RegExp, env: Env = {}): Promise<CliResult> {
    return assertFailed(await runCli(args, { env }), exitCode, message)
  }

  /** Starts a change and waits until that many keys stand at the spare, or it has ended. */
  async startUntil(
    args: readonly string[],
    keys: number,
    env: Env = {},
  ): Promise<{ child: ChildProcess; result: Promise<CliResult> }> {
    const newcomer = await this.servers.connect(this.spare)
    const before = Number(await newcomer.call('DBSIZE'))
    const run = startCli(args, { env })
    let hasEnded = false
    run.result.then(() => {
      hasEnded = true
    })
    while (!hasEnded && Math.abs(Number(await newcomer.call('DBSIZE')) - before) < keys)
      await systemClock.sleep(2)
    return run
  }

  async status(): Promise<{ phase: string; epoch: number; journal: { step: string }[] }> {
    const { stdout } = await runCli(['ring', 'status', '-t', this.file, '--json'])
    return JSON.parse(stdout)
  }

  /** As it was at the start: the spare outside, whatever a test has left. */
  async home(): Promise<void> {
    if ((await this.status()).phase !== 'stable') await this.succeeds(this.resume())
    const { topology } = await loadTopology(this.file)
    if (topology.nodes.some(({ id }) => id === this.newcomer))
      await this.succeeds(this.remove('--allow-eviction'))
  }

  /** Every key of the start, byte for byte, with its expiry, once, and where the topology file says. */
  async assertIntact({ lost = 0 }: { lost?: number } = {}): Promise<void> {
    await this.succeeds(['ring', 'check', '-t', this.file])
    const ring = buildRing((await loadTopology(this.file)).topology)
    const found: typeof this.original = new Map()
    for (const [index, { id }] of this.servers.servers.entries()) {
      const connection = await this.servers.connect(index)
      for (const [key, value] of await fingerprint(connection)) {
        assert.equal(ring.topology.nodes[ring.ownerIndex(Buffer.from(key, 'latin1'))]!.id, id)
        if (!isOfClients(key)) found.set(key, value)
      }
    }
    assert.equal(found.size, this.original.size - lost, 'keys')
    for (const [key, { dump, expiresAtMs }] of found) {
      const first = this.original.get(key)
      assert.ok(first?.dump.equals(dump) && first.expiresAtMs === expiresAtMs, `${key} is another value`)
    }
  }

  /** Keys made by hand belong to the data from here on. */
  async adopt(): Promise<void> {
    const indexes = this.servers.servers.map((_, index) => index)
    const all = await Promise.all(
      indexes.map(async (index) => fingerprint(await this.servers.connect(index))),
    )
    this.original = new Map(all.flatMap((each) => [...each]))
  }

  /** Processes of clients, and the verdict on them. */
  async startClients(count: number, job: { fixedKeys?: number } = {}): Promise<Clients> {
    const { fixedKeys = 0 } = job
    const client = await openClient(this.file)
    for (let index = 0; index < fixedKeys; index++) {
      await client.call('SET', `fixed:${index}`, `fixed:${index}`)
    }
    const workload = await startWorkload(count, {
      ...{ topologyFile: this.file, seed, loops: 4, opsPerSec: 400, fixedKeys },
      ...{ registers: 80, counters: 20, lists: 20 },
    })
    return new Clients(workload, client)
  }

  stop(): Promise<void> {
    return this.servers.stop()
  }

  private async fill(keys: number): Promise<void> {
    const ring = buildRing(parseTopology(await readFile(this.file, 'utf8'), this.file))
    const connections = await Promise.all(ring.topology.nodes.map((_, index) => this.servers.connect(index)))
    const nowMs = systemClock.wallMs()
    for (let index = 0; index < keys; index++)
      connections[ring.ownerIndex(awkwardKey(index))]!.send(createCommands(index, nowMs))
    await this.adopt()
  }
}

/** Clients that read and write all the time. */
export class Clients {
  constructor(
    readonly workload: Workload,
    private readonly client: RingClient,
  ) {}

  /** Stops them, and asserts every promise. */
  async assertKept(): Promise<Verdict> {
    return judge(await this.workload.stop(), this.client)
  }

  /** Their keys go too, so that the next start has none. */
  async end(): Promise<void> {
    for (const child of this.workload.processes) child.kill('SIGKILL')
    for (const [kind, count] of [
      ['register', 80],
      ['counter', 20],
      ['list', 20],
    ] as const)
      await this.client.call('DEL', ...Array.from({ length: count }, (_, index) => `${kind}:${index}`))
    await this.client.close()
  }
}

export async function openClient(file: string): Promise<RingClient> {
  return RingClient.open({
    control: await openControl(await loadTopology(file)),
    readAccess: async (nodes) => nodes.map((node) => ({ node })),
    clock: systemClock,
    origin: 'the judge',
  })
}

export function assertFailed(result: CliResult, exitCode: number, message: RegExp): CliResult {
  assert.equal(result.exitCode, exitCode, result.stdout + result.stderr)
  assert.match(result.stderr, message)
  return result
}

/** For NODE_OPTIONS: runs a module of test/support/ in the CLI before everything else. */
export function preload(module: string): string {
  return `--import ${new URL(`file://${root}/dist/test/support/${module}.js`).href}`
}

function isOfClients(key: string): boolean {
  return /^(register|counter|list|fixed):/.test(key)
}
