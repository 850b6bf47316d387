/** A shell with job control in a real terminal: what a person types, sees, stops and takes up again. */
import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { systemClock } from '../../src/clock.js'
import { root } from './cli.js'

const run = promisify(execFile)

export interface PtyShell {
  /** All that the terminal was sent until now. */
  readonly output: string
  type(text: string): void
  /** What has come since the last `seen`, once it matches; fails with it when it does not come. */
  seen(pattern: RegExp): Promise<string>
  resize(columns: number, rows: number): Promise<void>
  close(): Promise<void>
}

/** Terminals come from script(1) of util-linux; that of other systems has other arguments. */
export async function hasPty(): Promise<boolean> {
  return run('script', ['--version']).then(
    ({ stdout }) => stdout.includes('util-linux'),
    () => false,
  )
}

const patienceMs = 20_000

export async function openPtyShell(): Promise<PtyShell> {
  const child = spawn('script', ['--quiet', '--flush', '--command', 'sh -i', '/dev/null'], {
    cwd: root,
    env: { ...process.env, PS1: 'ready> ', ENV: '', TERM: 'xterm', NO_COLOR: '1', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let output = ''
  let from = 0
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const shell = {
    get output() {
      return output
    },
    type: (text: string) => void child.stdin.write(text),
    async seen(pattern: RegExp) {
      const untilMs = systemClock.nowMs() + patienceMs
      for (;;) {
        const found = pattern.exec(output.slice(from))
        if (found) {
          const text = output.slice(from, from + found.index + found[0].length)
          from += text.length
          return text
        }
        if (systemClock.nowMs() > untilMs)
          throw new Error(`not seen: ${pattern}\n${JSON.stringify(output.slice(from))}`)
        await systemClock.sleep(20)
      }
    },
    async close() {
      child.stdin.end('\x04')
      child.kill('SIGTERM')
      await ended
    },
  }
  await shell.seen(/ready> /)
  shell.type('tty\n')
  const [, device] = /(\/dev\/\S+)/.exec(await shell.seen(/\/dev\/\S+\s+ready> /)) ?? []
  if (!device) throw new Error(`no terminal: ${output}`)
  return Object.assign(shell, {
    async resize(columns: number, rows: number) {
      await run('stty', ['-F', device, 'cols', String(columns), 'rows', String(rows)])
    },
  })
}
