/** Two hosts on one machine: network namespaces of their own, joined by a veth pair. Needs root and iproute2. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface TwoHosts {
  /** The address of the first host, where its servers listen. */
  readonly address: string
  /** What runs a command on each of them. */
  readonly first: readonly string[]
  readonly second: readonly string[]
  close(): Promise<void>
}

/** undefined where this machine can't, or this user may not. */
export async function startTwoHosts(): Promise<TwoHosts | undefined> {
  const [first, second] = [`cachectl-a-${process.pid}`, `cachectl-b-${process.pid}`]
  const close = async () => {
    // the pair goes with its namespaces
    for (const name of [first, second]) await run('ip', ['netns', 'del', name]).catch(() => undefined)
  }
  try {
    for (const name of [first, second]) {
      await run('ip', ['netns', 'add', name])
      await run('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
    }
    const pair = [
      'link',
      'add',
      'veth0',
      'netns',
      first,
      'type',
      'veth',
      'peer',
      'name',
      'veth0',
      'netns',
      second,
    ]
    await run('ip', pair)
    for (const [name, address] of [
      [first, '10.211.77.1/30'],
      [second, '10.211.77.2/30'],
    ] as const) {
      await run('ip', ['-n', name, 'addr', 'add', address, 'dev', 'veth0'])
      await run('ip', ['-n', name, 'link', 'set', 'veth0', 'up'])
    }
  } catch {
    await close()
    return undefined
  }
  return {
    address: '10.211.77.1',
    first: ['ip', 'netns', 'exec', first],
    second: ['ip', 'netns', 'exec', second],
    close,
  }
}
