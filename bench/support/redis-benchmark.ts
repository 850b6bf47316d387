/** redis-benchmark as the peer: from PATH, else the checkout's private copy. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root } from '../../test/support/cli.js'

export interface PeerResult {
  readonly throughputPerSec: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export function findTool(name: string): { path: string; env: NodeJS.ProcessEnv } | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder && existsSync(join(folder, name))) return { path: join(folder, name), env: process.env }
  }
  const path = join(root, '.cache/redis/bin', name)
  if (!existsSync(path)) return undefined
  return { path, env: { ...process.env, LD_LIBRARY_PATH: join(root, '.cache/redis/lib') } }
}

/** Runs one test of redis-benchmark against a port of this machine. */
export function runRedisBenchmark(port: number, args: readonly string[]): Promise<PeerResult> {
  const tool = findTool('redis-benchmark')
  if (!tool) throw new Error('redis-benchmark is not installed (Debian: redis-tools)')
  return new Promise((resolve, reject) => {
    execFile(tool.path, ['-p', String(port), '--csv', ...args], { env: tool.env }, (error, stdout) => {
      if (error) return reject(error)
      // "test","rps","avg","min","p50","p95","p99","max"
      const row = stdout.trim().split('\n').at(-1)!.replaceAll('"', '').split(',').map(Number)
      resolve({ throughputPerSec: row[1]!, p50Ms: row[4]!, p99Ms: row[6]!, maxMs: row[7]! })
    })
  })
}
