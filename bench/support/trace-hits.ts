/** The hit ratio of a real trace: an exact LRU, and a Redis that evicts at the same size. */
import { runCli } from '../../test/support/cli.js'
import { startServers } from '../../test/support/redis-servers.js'
import { print } from './report.js'

export async function hitRatios(path: string, capacity: number): Promise<void> {
  const exact = await result(['--trace', path, '--target', `lru:${capacity}`])
  print(`\n${path.split('/').at(-1)}, ${capacity} entries: exact LRU ${exact.hitRatio.toFixed(4)}`)
  const servers = await startServers(1)
  try {
    const file = await servers.topologyFile()
    const connection = await servers.connect(0)
    // large values, so that the connections' buffers do not count; and slow: Redis knows recency to a second
    const size = ['--value-bytes', '20000', '--connections', '1']
    const full = ['--keys', String(capacity), '--fill', '--read-ratio', '1', '--requests', '1000', '--keep']
    await result(['-t', file, ...full, ...size])
    const info = String(await connection.call('INFO', 'memory'))
    const usedBytes = Number(/used_memory:(\d+)/.exec(info)![1])
    await connection.call('FLUSHALL')
    await connection.call('CONFIG', 'SET', 'maxmemory', usedBytes, 'maxmemory-policy', 'allkeys-lru')
    const redis = await result(['-t', file, '--trace', path, ...size, '--keep'])
    const held = await connection.call('DBSIZE')
    print(
      `Redis with allkeys-lru and memory for them: ${redis.hitRatio.toFixed(4)} (${held} keys at the end)`,
    )
  } finally {
    await servers.stop()
  }
}

async function result(args: readonly string[]): Promise<{ hitRatio: number }> {
  const { exitCode, stderr, stdout } = await runCli(['bench', ...args, '--json'])
  if (exitCode !== 0) throw new Error(stdout + stderr)
  return JSON.parse(stdout)
}
