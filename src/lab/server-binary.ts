/** Finds a Redis or Valkey server binary: the user's own choice, PATH, then the checkout's private copy. */
import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describeError, invalid } from '../errors.js'
import { printable } from '../printable.js'

export interface ServerBinary {
  readonly path: string
  /** What the process needs besides the caller's environment. */
  readonly env: Readonly<Record<string, string>>
  /** `Redis 7.0.15`, `Valkey 8.0.1`. */
  readonly version: string
  readonly origin: 'CACHECTL_REDIS_SERVER' | 'PATH' | 'private copy'
}

const names = ['valkey-server', 'redis-server']
const privateCopy = fileURLToPath(new URL('../../../.cache/redis', import.meta.url))
const run = promisify(execFile)

/** Errors: `invalid` with the command for this system when there is none, or when the user's choice does not run. */
export async function findServerBinary(env: NodeJS.ProcessEnv): Promise<ServerBinary> {
  if (env.CACHECTL_REDIS_SERVER) {
    return probe({ path: env.CACHECTL_REDIS_SERVER, env: {}, origin: 'CACHECTL_REDIS_SERVER' })
  }
  const folders = [...(env.PATH ?? '').split(delimiter), '/opt/homebrew/bin', '/usr/local/bin']
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name)
      if (folder && (await isExecutable(path))) return probe({ path, env: {}, origin: 'PATH' })
    }
  }
  const path = join(privateCopy, 'bin/redis-server')
  if (await isExecutable(path)) {
    return probe({ path, env: { LD_LIBRARY_PATH: join(privateCopy, 'lib') }, origin: 'private copy' })
  }
  const command =
    process.platform === 'darwin'
      ? 'brew install valkey'
      : 'apt-get install --no-install-recommends redis-tools'
  throw invalid(
    'no valkey-server or redis-server on PATH',
    `Run: ${command}\nor set CACHECTL_REDIS_SERVER to a server binary.`,
  )
}

async function probe(found: Omit<ServerBinary, 'version'>): Promise<ServerBinary> {
  try {
    const { stdout } = await run(found.path, ['--version'], {
      env: { ...process.env, ...found.env },
      timeout: 5_000,
    })
    const [, product, version] = /^(\w+).*? v=([\d.]+)/.exec(stdout) ?? []
    if (!product || !version) throw new Error('its --version is not that of a Redis or Valkey server')
    return { ...found, version: `${product} ${version}` }
  } catch (error) {
    throw invalid(
      `server binary ${printable(found.path)} (from ${found.origin}) does not run: ${describeError(error)}`,
      'Set CACHECTL_REDIS_SERVER to a redis-server or valkey-server binary.',
      error,
    )
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
