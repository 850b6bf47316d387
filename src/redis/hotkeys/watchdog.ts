/** The sampler's end of its watchdog (watchdog-process.ts): started, told of each burst, and ended with the run. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { stopped } from '../../errors.js'
import type { NodeAccess } from '../../operations/ports.js'
import { eachMessage, type FromWatchdog, formatMessage, type ToWatchdog } from './watchdog-protocol.js'

export interface Watchdog {
  /** Resolves when it can kill on every node. Errors: `stopped`. */
  readonly ready: Promise<void>
  /** Throws `stopped` when there is no watchdog any more: nothing may be monitored without one. */
  arm(node: string, client: number, ms: number): void
  disarm(node: string): void
  /** Monitors that it has ended. */
  readonly killCount: number
  close(): void
}

const program = fileURLToPath(new URL('./watchdog-process.js', import.meta.url))

export function startWatchdog(accesses: readonly NodeAccess[]): Watchdog {
  // detached: a session of its own, which the terminal's Ctrl-Z and Ctrl-C do not reach
  const child: ChildProcess = spawn(process.execPath, [program], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  let failure: Error | undefined
  let killCount = 0
  let settle = { resolve: () => {}, reject: (_error: Error) => {} }
  const ready = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject }
  })
  // whoever arms it learns of the failure as well
  ready.catch(() => undefined)
  const fail = (why: string) => {
    failure ??= stopped(`the watchdog of the monitors: ${why}`, 'Run the same command again.')
    settle.reject(failure)
  }
  child.on('error', (error) => fail(error.message))
  const gone = () => fail('it has ended')
  child.on('exit', gone)
  child.stdin?.on('error', gone)
  if (child.stdout) {
    eachMessage<FromWatchdog>(child.stdout, (message) => {
      if (message.kind === 'ready') settle.resolve()
      else if (message.kind === 'killed') killCount += 1
      else fail(message.why)
    })
  }
  const tell = (message: ToWatchdog) => child.stdin?.write(formatMessage(message))
  tell({ kind: 'nodes', accesses })
  return {
    ready,
    get killCount() {
      return killCount
    },
    arm: (node, client, ms) => {
      if (failure) throw failure
      tell({ kind: 'arm', node, client, ms })
    },
    disarm: (node) => {
      if (!failure) tell({ kind: 'disarm', node })
    },
    close: () => child.stdin?.end(),
  }
}
