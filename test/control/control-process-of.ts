/** Starts a process at a control store, with a topology file of its own in a folder of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface ControlProcess {
  /** Its next line. */
  line(): Promise<string>
  /** kill -9. */
  kill(): void
  readonly ended: Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>
}

const script = new URL('../support/control-process.js', import.meta.url).pathname

export async function startControlProcess(
  url: string,
  ring: string,
  job: 'hold' | 'write' | 'watch',
): Promise<ControlProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  const file = join(directory, 'cachectl.yaml')
  await writeFile(
    file,
    `name: ${ring}\ncontrol: {url: "${url}"}\nnodes:\n  - {id: n1, url: "redis://127.0.0.1:7001"}\n`,
  )
  const child = spawn(process.execPath, [script, file, job], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'exit').then(async ([exitCode, signal]) => {
    await rm(directory, { recursive: true, force: true })
    return { exitCode, signal }
  })
  return {
    line: async () => String((await lines.next()).value),
    kill: () => child.kill('SIGKILL'),
    ended,
  }
}
