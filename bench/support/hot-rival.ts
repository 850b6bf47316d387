/** `redis-cli --hotkeys` against a server whose traffic is known: what it finds, how long it takes, and what it costs. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { systemClock } from '../../src/clock.js'
import type { TestServer } from '../../test/support/redis-servers.js'
import type { TrafficTruth, TrafficWindow } from './hot-traffic.js'
import { mainThreadNs } from './server-cpu.js'

export interface RivalAnswer {
  readonly seconds: number
  readonly serverCpuMs: number
  /** Of the true top 16, the part that was found: it shows 16. */
  readonly recall16: number
}

const shown = 16

/** undefined: there is no redis-cli here. The server's policy must be an LFU one. */
export async function askRedisCli(
  server: TestServer,
  truth: (window: TrafficWindow) => Promise<TrafficTruth>,
): Promise<RivalAnswer | undefined> {
  const startedMs = systemClock.nowMs()
  const fromMs = systemClock.wallMs()
  const startNs = mainThreadNs(server.pid)
  const output = await promisify(execFile)('redis-cli', ['-p', String(server.port), '--hotkeys'], {
    maxBuffer: 64 * 1024 * 1024,
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!output) return undefined
  const seconds = (systemClock.nowMs() - startedMs) / 1000
  const serverCpuMs = (mainThreadNs(server.pid) - startNs) / 1e6
  const found = new Set(
    [...output.stdout.matchAll(/^hot key found with counter: \d+\s+keyname: "?([^"\n]+)"?$/gm)].map(
      ([, name]) => name,
    ),
  )
  const best = (await truth({ fromMs, toMs: systemClock.wallMs() })).top.slice(0, shown)
  return { seconds, serverCpuMs, recall16: best.filter(({ name }) => found.has(name)).length / best.length }
}
