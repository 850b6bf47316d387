/** Processes that want one cold key at the same moment: how often is it loaded? */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

export interface StampedeOptions {
  readonly name: string
  readonly port: number
  readonly processes: number
  readonly callers: number
  readonly loadMs: number
  readonly fails: boolean
  readonly rounds: number
}

/** Calls of the loader over all processes in each round, and the slowest process's ms. */
export async function runStampede(options: StampedeOptions): Promise<{
  loads: number[]
  slowestMs: number
  detours: number
}> {
  const { name, port, processes, callers, loadMs, fails, rounds } = options
  const program = new URL('./stampede-process.js', import.meta.url)
  const args = [name, String(port), String(callers), String(loadMs), fails ? 'fails' : 'loads']
  const children = Array.from({ length: processes }, () =>
    fork(program, args, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }),
  )
  try {
    await Promise.all(children.map((child) => said(child)))
    const loads: number[] = []
    let slowestMs = 0
    let detours = 0
    for (let round = 0; round < rounds; round++) {
      const answers = Promise.all(children.map((child) => said(child)))
      for (const child of children) child.send(`cold-${name}-${fails}-${round}`)
      const done = await answers
      loads.push(done.reduce((sum, each) => sum + each.loads, 0))
      detours = done.reduce((sum, each) => sum + each.detours, 0)
      slowestMs = Math.max(slowestMs, ...done.map(({ ms }) => ms))
    }
    return { loads, slowestMs, detours }
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
}

async function said(child: ChildProcess): Promise<{ loads: number; ms: number; detours: number }> {
  const ended = once(child, 'exit').then(() => {
    throw new Error('a process of the stampede ended')
  })
  ended.catch(() => undefined)
  const [message] = await Promise.race([once(child, 'message'), ended])
  return message
}
