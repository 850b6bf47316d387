/** The demo's folder: topology files on free loopback ports, removed at the end; commands run as child processes. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface DemoWorkspace {
  readonly directory: string
  readonly ringFile: string
  readonly spareFile: string
  readonly spareUrl: string
}

/** Makes the folder, lends it to `body`, removes it. */
export async function withDemoWorkspace<T>(body: (workspace: DemoWorkspace) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'cachectl-demo-'))
  try {
    const ports = await freePorts(4)
    const urls = ports.map((port) => `redis://127.0.0.1:${port}`)
    const node = (index: number) => `  - id: n${index + 1}\n    url: ${urls[index]}\n`
    const ringFile = join(directory, 'cachectl.yaml')
    const spareFile = join(directory, 'n4.yaml')
    await writeFile(ringFile, `name: demo\nnodes:\n${node(0)}${node(1)}${node(2)}`)
    await writeFile(spareFile, `name: demo-spare\nnodes:\n${node(3)}`)
    return await body({ directory, ringFile, spareFile, spareUrl: urls[3] ?? '' })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Ports nobody listens on now; all are held until the last one is known, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(0, '127.0.0.1', resolve)
      })
      return server
    }),
  )
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  })
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))))
  return ports
}

/** One cachectl command by the binary that runs now; an abort is its Ctrl-C. Resolves to the exit code. */
export function runCachectl(
  args: readonly string[],
  options: {
    readonly quiet: boolean
    readonly signal: AbortSignal
    readonly directory: string
    readonly env: NodeJS.ProcessEnv
  },
): Promise<number> {
  const shown = options.quiet ? 'ignore' : 'inherit'
  const child = spawn(process.execPath, [process.argv[1] ?? '', ...args], {
    stdio: ['ignore', shown, shown],
    env: options.env,
    cwd: options.directory,
    // its own process group: Ctrl-C reaches it once, through the signal, and the demo decides the order of the end
    detached: true,
  })
  const interrupt = () => child.kill('SIGINT')
  options.signal.addEventListener('abort', interrupt, { once: true })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      options.signal.removeEventListener('abort', interrupt)
      resolve(code ?? 130)
    })
  })
}
