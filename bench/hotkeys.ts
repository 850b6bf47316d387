/**
 * `cachectl hotkeys` against traffic of which every command is counted, each goal beside its figure, and `redis-cli --hotkeys`
 * in the same run.
 *
 *   node dist/bench/hotkeys.js [accuracy|first|cost|p99|memory|buffer|rival] [REPEATS]
 */
import { systemClock } from '../src/clock.js'
import { startServers } from '../test/support/redis-servers.js'
import { askHotKeys } from './support/hot-answer.js'
import { type SampledPair, sampledPair, separate } from './support/hot-cost.js'
import { bufferHeld, memoryOver, p99Ratio } from './support/hot-impact.js'
import { askRedisCli } from './support/hot-rival.js'
import { type Score, scoreOf } from './support/hot-score.js'
import { type Pattern, withTraffic } from './support/hot-traffic.js'
import { header, median, print } from './support/report.js'
import { readServerCpu } from './support/server-cpu.js'

const keyCount = 1_000_000
const opsPerSec = 50_000
/** Leaves one core some air, or what is measured is who waits for whom. */
const calmOpsPerSec = 20_000
const threshold = 0.005
const nodeCount = 4
const lfu = ['--maxmemory', '4gb', '--maxmemory-policy', 'allkeys-lfu']

const parts: Readonly<Record<string, () => Promise<void>>> = {
  accuracy,
  first,
  cost,
  p99,
  memory,
  buffer,
  rival,
}
const [only, repeatsText] = process.argv.slice(2)
const repeats = Number(repeatsText ?? 3)
header(`hot keys: ${keyCount.toLocaleString('en')} keys, ${opsPerSec.toLocaleString('en')} commands/s`)
for (const [name, part] of Object.entries(parts)) if (!only || only === name) await part()

async function accuracy(): Promise<void> {
  const patterns: Readonly<Record<string, Pattern>> = {
    'zipf(0.99)': { kind: 'zipf', theta: 0.99 },
    'zipf(1.2)': { kind: 'zipf', theta: 1.2 },
    'moving every 30 s': { kind: 'zipf', theta: 0.99, movesEveryMs: 30_000 },
    'spike of 50 ms a s': { kind: 'spike', theta: 0.99, widthMs: 50, share: 0.6 },
  }
  print(`${nodeCount} nodes, keys above ${100 * threshold} % of a node's commands, ${repeats} answers a row`)
  print(
    'traffic             recall  precision  false certain  recall20  share error  intervals that hold  samples  seconds  cost',
  )
  print(
    'goal                ≥ 0.95     ≥ 0.95              0    ≥ 0.95        ≤ 5 %               ≥ 92 %              ≤ 20  ≤ 1 %',
  )
  for (const [name, pattern] of Object.entries(patterns)) await accuracyOf(name, pattern)
  await onServers(nodeCount, async (_, topologyFile) => {
    await withTraffic({ topologyFile, pattern: { kind: 'uniform' }, opsPerSec, keyCount }, async () => {
      const answer = await askHotKeys(topologyFile, ['--threshold', String(threshold)])
      print(
        `uniform             ${answer.keys.length} keys reported (goal 0) in ${answer.seconds.toFixed(1)} s, ` +
          `none above ${(100 * answer.upperBound).toFixed(2)} %`,
      )
    })
  })
}

async function accuracyOf(name: string, pattern: Pattern): Promise<void> {
  await onServers(nodeCount, async (_, topologyFile) => {
    await withTraffic({ topologyFile, pattern, opsPerSec, keyCount }, async (traffic) => {
      const scores: Score[] = []
      const answers: { samples: number; seconds: number; costShare: number }[] = []
      for (let round = 0; round < repeats; round++) {
        const answer = await askHotKeys(topologyFile, ['--threshold', String(threshold), '--top', '100'])
        scores.push(scoreOf(answer, await traffic.read(answer.window), threshold))
        answers.push(answer)
      }
      const mean = (of: (score: Score) => number) =>
        scores.reduce((sum, score) => sum + of(score), 0) / scores.length
      const most = (of: (answer: (typeof answers)[number]) => number) => Math.max(...answers.map(of))
      const covered = mean(({ covered }) => covered) / mean(({ intervals }) => intervals)
      print(
        [
          name.padEnd(18),
          mean(({ recall }) => recall)
            .toFixed(3)
            .padStart(7),
          mean(({ precision }) => precision)
            .toFixed(3)
            .padStart(10),
          String(scores.reduce((sum, { falseCertain }) => sum + falseCertain, 0)).padStart(14),
          mean(({ recall20 }) => recall20)
            .toFixed(2)
            .padStart(9),
          `${(100 * median(scores.flatMap(({ errors }) => errors))).toFixed(1)} %`.padStart(12),
          `${(100 * covered).toFixed(0)} %`.padStart(20),
          most(({ samples }) => samples)
            .toLocaleString('en')
            .padStart(8),
          most(({ seconds }) => seconds)
            .toFixed(1)
            .padStart(8),
          `${(100 * most(({ costShare }) => costShare)).toFixed(2)} %`.padStart(7),
        ].join(' '),
      )
    })
  })
}

/** One node, one hot key: how long until the answer names it. */
async function first(): Promise<void> {
  const goals = [
    { share: 0.2, seconds: 2 },
    { share: 0.05, seconds: 2 },
    { share: 0.01, seconds: 6 },
  ]
  for (const { share, seconds } of goals) {
    await onServers(1, async (_, topologyFile) => {
      const pattern = { kind: 'one', share } as const
      await withTraffic({ topologyFile, pattern, opsPerSec, keyCount }, async () => {
        const times: number[] = []
        for (let round = 0; round < repeats; round++) {
          const answer = await askHotKeys(topologyFile, ['--threshold', String(threshold)])
          times.push(answer.firstCertainSeconds)
        }
        print(
          `first certain key   of ${100 * share} % after ${times.map((time) => time.toFixed(1)).join(', ')} s (goal ≤ ${seconds} s)`,
        )
      })
    })
  }
}

/** Pairs of windows with and without the command at work; the CPU time of the servers' main threads. */
async function cost(): Promise<void> {
  for (const [name, flags, goal] of [
    ['default', [], 1],
    ['--gentle', ['--gentle'], 0.5],
  ] as const) {
    await onServers(nodeCount, async (servers, topologyFile) => {
      const pattern = { kind: 'zipf', theta: 0.99 } as const
      const order = { topologyFile, pattern, opsPerSec: calmOpsPerSec, keyCount }
      await withTraffic(order, async ({ pid }) => {
        const release = separate([pid, ...servers.servers.map((server) => server.pid)])
        const pairs: SampledPair[] = []
        for (let pair = 0; pair < 4 * repeats; pair++)
          pairs.push(await sampledPair(servers, ['-t', topologyFile, ...flags], pair % 2 === 0))
        const percent = (of: (pair: SampledPair) => number) => `${(100 * median(pairs.map(of))).toFixed(2)} %`
        print(
          `server CPU          ${name}: ${percent(({ share }) => share)} of a main thread (median of ${pairs.length} pairs, ` +
            `their middle half ${middleHalf(pairs.map(({ share }) => share))}, goal ≤ ${goal} %), as it says itself ${percent(({ told }) => told)}; ` +
            `${percent(({ relative }) => relative)} more a command`,
        )
        release()
      })
    })
  }
}

function middleHalf(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (part: number) => (100 * sorted[Math.round(part * (sorted.length - 1))]!).toFixed(2)
  return `${at(0.25)} to ${at(0.75)} %`
}

async function p99(): Promise<void> {
  await onServers(1, async (_, topologyFile) => {
    const { ratio, pairs } = await p99Ratio(topologyFile, 4 * repeats)
    print(
      `victims' p99        ${(100 * (ratio - 1)).toFixed(1)} % (median of ${pairs} pairs, goal ≤ +5 %), budget 1 %`,
    )
  })
}

async function memory(): Promise<void> {
  await onServers(16, async (_, topologyFile) => {
    const pattern = { kind: 'zipf', theta: 0.99 } as const
    await withTraffic({ topologyFile, pattern, opsPerSec: 32_000, keyCount }, async () => {
      const { command, watchdog, node } = await memoryOver(topologyFile)
      print(
        `memory, 16 nodes    ${(command - node).toFixed(0)} MiB over Node's own ${node.toFixed(0)} MiB (goal ≤ 50)` +
          `; the watchdog's process ${watchdog.toFixed(0)} MiB`,
      )
    })
  })
}

async function buffer(): Promise<void> {
  await onServers(1, async (servers, topologyFile) => {
    const { mostBytes, looks, monitorsLeft } = await bufferHeld(servers, topologyFile)
    print(
      `output buffer       at most ${(mostBytes / 1024).toFixed(0)} KiB in ${looks} looks, 10 KB SETs at full rate, the ` +
        `command stopped again and again (goal ≤ 1,024 KiB); ${monitorsLeft} monitors left`,
    )
  })
}

async function rival(): Promise<void> {
  const { servers, topologyFile, stop } = await start(1, lfu)
  try {
    const pattern = { kind: 'zipf', theta: 0.99 } as const
    await withTraffic({ topologyFile, pattern, opsPerSec: 30_000, keyCount }, async (traffic) => {
      await systemClock.sleep(10_000)
      const cli = await askRedisCli(servers.servers[0]!, traffic.read)
      if (!cli) return print('redis-cli           not here')
      const beforeNs = (await readServerCpu(servers)).cpuNs
      // the 16th key of this traffic has 0.4 % of the commands
      const answer = await askHotKeys(topologyFile, ['--threshold', '0.003', '--top', '16'])
      const usedMs = ((await readServerCpu(servers)).cpuNs - beforeNs) / 1e6
      const best = (await traffic.read(answer.window)).top.slice(0, 16)
      const found =
        best.filter(({ name }) => answer.keys.some((key) => key.name === name)).length / best.length
      print(
        `redis-cli --hotkeys ${cli.seconds.toFixed(1)} s, its server's CPU ${(cli.serverCpuMs / 1000).toFixed(1)} s with the traffic, recall16 ${cli.recall16.toFixed(2)}`,
      )
      print(
        `cachectl hotkeys    ${answer.seconds.toFixed(1)} s, the server's CPU ${(usedMs / 1000).toFixed(1)} s with the traffic (sampling ${answer.costMs.toFixed(0)} ms), recall16 ${found.toFixed(2)}`,
      )
    })
  } finally {
    await stop()
  }
}

async function onServers(
  count: number,
  body: (servers: Awaited<ReturnType<typeof startServers>>, topologyFile: string) => Promise<void>,
): Promise<void> {
  const { servers, topologyFile, stop } = await start(count)
  try {
    await body(servers, topologyFile)
  } finally {
    await stop()
  }
}

async function start(count: number, args: readonly string[] = []) {
  const servers = await startServers(count, { args })
  return { servers, topologyFile: await servers.topologyFile(), stop: () => servers.stop() }
}
