import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { systemClock } from '../../src/clock.js'
import { readBenchResult } from '../../src/files/bench-result-file.js'
import { parseGeneratorRun } from '../../src/files/generator-run-json.js'
import { parseTopology } from '../../src/files/topology-file.js'
import {
  histogramLength,
  mergeCounts,
  quantileUnits,
  unitsPerMs,
} from '../../src/measure/latency-histogram.js'
import { partOf, totalOf } from '../../src/measure/run-part.js'
import { type CliResult, root, runCli, startCli } from '../support/cli.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

interface WithLoss {
  readonly run: CliResult
  /** Of the agent that was killed. */
  readonly name: string
  readonly agents: readonly CliResult[]
}

/** Runs of several processes take seconds in which they only wait: they go on beside each other. */
describe('bench by agents, each a process', () => {
  let servers: TestServers
  let directory: string
  let merged: { out: string; folders: string[]; run: CliResult; agents: CliResult[]; leftKeys: string[] }
  let killed: WithLoss
  let search: WithLoss
  let few: CliResult

  before(async () => {
    servers = await startServers(3)
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
    const started = [
      runMerged(),
      loseAgent('killed', ['--duration', '2s', '--gate', 'errors==0']),
      loseAgent('search', ['--duration', '1s', '--find-max', 'errors==0']),
      runFew(),
    ] as const
    ;[merged, killed, search, few] = await Promise.all(started)
  })
  after(async () => {
    await servers.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const load = ['--keys', '500', '--warmup', '0s', '--connections', '8', '--pace', 'low-cpu']

  /** Two nodes, and the control store there. */
  async function topology(name: string, control: string): Promise<string> {
    const file = await servers.topologyFile({ count: 2, name })
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace('nodes:', `control:\n  url: ${control}\nnodes:`),
    )
    return file
  }

  /** Meets on the third server. */
  async function runMerged(): Promise<typeof merged> {
    const store = servers.servers[2]!.url
    const file = await topology('merged.yaml', store)
    const folders = ['a', 'b'].map((name) => join(directory, name))
    const agents = folders.map((out) => startCli(['bench', 'agent', '--join', store, '--once', '--out', out]))
    const out = join(directory, 'merged.json')
    const shape = ['--agents', '2', '--rate', '2000', '--duration', '1s', '--fill', '--threads', '2']
    const run = await runCli(['bench', '-t', file, ...load, ...shape, '--out', out, '--prefix', 'merged:'])
    const results = await Promise.all(agents.map(({ result }) => result))
    const keys = await (await servers.connect(2)).call('KEYS', '*')
    return { out, folders, run, agents: results, leftKeys: Array.isArray(keys) ? keys.map(String) : [] }
  }

  /** Two agents meet in a folder; one is killed as soon as there is load. */
  async function loseAgent(session: string, flags: readonly string[]): Promise<WithLoss> {
    const store = `file:${join(directory, session)}`
    const file = await topology(`${session}.yaml`, store)
    const agents = [0, 1].map(() => startCli(['bench', 'agent', '--join', store, '--once']))
    const shape = ['--agents', '2', '--rate', '200', '--prefix', `${session}:`]
    const bench = startCli(['bench', '-t', file, ...load, ...shape, ...flags, '--json'])
    const node = await servers.connect(0)
    const hasBegun = async () => {
      const [, keys] = (await node.call('SCAN', 0, 'MATCH', `${session}:*`, 'COUNT', 10_000)) as [
        unknown,
        unknown[],
      ]
      return keys.length > 0
    }
    while (!(await hasBegun())) await systemClock.sleep(20)
    const [, doomed] = agents
    doomed!.child.kill('SIGKILL')
    const [run, ...results] = await Promise.all([bench.result, ...agents.map(({ result }) => result)])
    const [, name = ''] = /agent (\S+) waits/.exec(results[1]!.stderr) ?? []
    return { run, name, agents: results }
  }

  async function runFew(): Promise<CliResult> {
    const store = `file:${join(directory, 'empty')}`
    const file = await topology('few.yaml', store)
    const result = await runCli(['bench', '-t', file, ...load, '--agents', '3', '--agents-timeout', '500ms'])
    assert.deepEqual(await readdir(join(directory, 'empty', 'bench')), [])
    return result
  }

  it('gives one result, the sum of what the agents counted, with the quantiles of their merged histograms', async () => {
    assert.equal(merged.run.exitCode, 0, merged.run.stdout + merged.run.stderr)
    const { counts, measures } = await readBenchResult(merged.out)
    const raw = await Promise.all(merged.folders.map(measuredRun))
    for (const scope of [{}, { node: 0 }, { node: 1 }, { op: 0 }, { op: 1 }]) {
      const sum = new Float64Array(histogramLength)
      for (const each of raw) mergeCounts(sum, partOf(each, scope).latency)
      assert.deepEqual(partOf(counts, scope).latency, sum)
    }
    const whole = new Float64Array(histogramLength)
    for (const each of raw) mergeCounts(whole, partOf(each, {}).latency)
    for (const [quantile, value] of [
      [0.5, measures.overall.p50Ms],
      [0.99, measures.overall.p99Ms],
      [0.999, measures.overall.p999Ms],
    ] as const)
      assert.equal(value, quantileUnits(whole, totalOf(whole), quantile) / unitsPerMs)
    assert.ok(raw.every((each) => totalOf(partOf(each, {}).latency) > 0))
    // the rate is divided, not doubled; each thread sees the end of the phase at its own moment
    assert.ok(measures.offered > 1_900 && measures.offered <= 2_000, `${measures.offered} offered`)
    assert.equal(measures.hits, measures.operations.get?.count)
    assert.deepEqual(
      measures.agents?.map(({ lost, isCounted }) => [lost, isCounted]),
      [
        [null, true],
        [null, true],
      ],
    )
  })

  it('its seconds add up to the same', async () => {
    const { counts, measures } = await readBenchResult(merged.out)
    const answered = counts.series.answered.reduce((sum, count) => sum + count, 0)
    assert.equal(answered, measures.overall.count)
    assert.ok(counts.series.nodes.n1!.usedMemoryBytes.some((bytes) => bytes !== null))
  })

  it('names its agents, and leaves nothing where they met', () => {
    assert.match(merged.run.stdout, /2 agents: \S+ \(\d+ cores, clock/)
    assert.deepEqual(
      merged.agents.map(({ exitCode }) => exitCode),
      [0, 0],
    )
    assert.deepEqual(merged.leftKeys, [])
  })

  it('survives an agent that is killed: a warning names it, and gates fail', () => {
    const { run, name, agents } = killed
    assert.equal(run.exitCode, 3, run.stdout + run.stderr)
    const report = JSON.parse(run.stdout)
    assert.notEqual(name, '')
    assert.match(report.warnings.join('\n'), new RegExp(`agent ${name} was lost: no sign of life for 5 s`))
    assert.ok(report.latency.count > 0)
    assert.equal(report.errors, 0)
    assert.deepEqual(report.agents.map(({ isCounted }: { isCounted: boolean }) => isCounted).sort(), [
      false,
      true,
    ])
    assert.equal(agents[0]!.exitCode, 0)
  })

  it('ends a search for a rate where an agent is lost, with what it has tried', () => {
    const { run, name } = search
    assert.equal(run.exitCode, 6, run.stdout + run.stderr)
    const { incomplete, ratePerSec, steps, warnings } = JSON.parse(run.stdout)
    assert.equal(incomplete, true)
    assert.equal(ratePerSec, null)
    assert.match(warnings.join('\n'), new RegExp(`agent ${name} was lost`))
    assert.deepEqual([steps.at(-1).passed, steps.at(-1).isOverload], [false, false])
  })

  it('without agents it ends with 4, and says how to start some', () => {
    assert.equal(few.exitCode, 4, few.stdout + few.stderr)
    assert.match(few.stderr, /0 of 3 agents came within 500ms/)
    assert.match(few.stderr, /cachectl bench agent --join file:\S+empty/)
  })

  it('refuses what can only go wrong', async () => {
    const file = await topology('wrong.yaml', 'file:nowhere')
    const mistakes = [
      [['--agents', '20', '--connections', '8'], /20 agents of 1 threads need at least 20/],
      [['--agents', '2', '--target', 'lru:5'], /--agents and --target/],
      [['--agents-timeout', '5s'], /--agents-timeout needs --agents/],
    ] as const
    const [joined, ...results] = await Promise.all([
      runCli(['bench', 'agent', '--join', 'http://x']),
      ...mistakes.map(([args]) => runCli(['bench', '-t', file, ...args])),
    ])
    mistakes.forEach(([, message], index) => {
      assert.equal(results[index]!.exitCode, 2)
      assert.match(results[index]!.stderr, message)
    })
    assert.equal(joined.exitCode, 2)
    assert.match(joined.stderr, /control store http:\/\/x: expected file:FOLDER/)
  })

  it('the Kubernetes manifest starts as many agents as its coordinator waits for, at the store of its topology', async () => {
    const text = await readFile(join(root, 'docs/kubernetes/bench-agents.yaml'), 'utf8')
    const [config, , agents, bench] = parseAllDocuments(text).map((document) => document.toJS())
    const topology = config.data['cache.yaml']
    assert.equal(parseTopology(topology, 'cache.yaml').nodes.length, 2)
    assert.equal(agents.spec.parallelism, agents.spec.completions)
    const [agent] = agents.spec.template.spec.containers
    const [coordinator] = bench.spec.template.spec.containers
    assert.ok(coordinator.args.includes(`--agents=${agents.spec.parallelism}`))
    assert.ok(topology.includes(`url: ${agent.args[1]}`))
    assert.deepEqual(agent.env, coordinator.env)
  })
})

/** Of all loads, filling and cleaning up among them: the one with a schedule. */
async function measuredRun(folder: string) {
  for (const name of await readdir(folder)) {
    const { counts } = parseGeneratorRun(await readFile(join(folder, name), 'utf8'))
    if (counts.mode === 'open') return counts
  }
  throw new Error(`no measured load in ${folder}`)
}
