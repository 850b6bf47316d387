/** An empty project of somebody who uses this package: a folder with packages in node_modules, and a strict compiler. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const repository = fileURLToPath(new URL('../../..', import.meta.url))
const run = promisify(execFile)

export interface ConsumerProject {
  readonly directory: string
  /** Installs it as a link to this repository's own copy. */
  link(packageName: string): Promise<void>
  write(file: string, text: string): Promise<void>
  /** What a program of the project prints. Rejects when it fails or takes longer than 20 s. */
  node(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string>
  /** Compiles every .mts file into `out`; rejects with what the compiler says. */
  compile(): Promise<void>
  remove(): Promise<void>
}

export async function createConsumer(): Promise<ConsumerProject> {
  const directory = await mkdtemp(join(tmpdir(), 'cachectl-consumer-'))
  const modules = join(directory, 'node_modules')
  await mkdir(modules)
  const options = {
    ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
    ...{ skipLibCheck: false, target: 'ES2023', lib: ['ES2023'], types: ['node'] },
    ...{ module: 'NodeNext', rootDir: '.', outDir: 'out', noEmitOnError: true },
  }
  await writeFile(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, include: ['*.mts'] }),
  )
  await writeFile(join(directory, 'package.json'), '{"private": true}\n')
  const project: ConsumerProject = {
    directory,
    async link(packageName) {
      const path = join(modules, packageName)
      await mkdir(dirname(path), { recursive: true })
      await symlink(
        packageName === 'cachectl' ? repository : join(repository, 'node_modules', packageName),
        path,
      )
    },
    write: (file, text) => writeFile(join(directory, file), text),
    async node(args, env = {}) {
      const { stdout } = await run(process.execPath, args, {
        cwd: directory,
        env: { ...process.env, ...env },
        timeout: 20_000,
      })
      return stdout
    },
    async compile() {
      const compiler = join(repository, 'node_modules/typescript/bin/tsc')
      await run(process.execPath, [compiler], { cwd: directory, timeout: 60_000 }).catch((error: unknown) => {
        const said = error instanceof Error && 'stdout' in error ? String(error.stdout) : ''
        throw new Error(`the compiler says:\n${said}`, { cause: error })
      })
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  }
  await project.link('@types/node')
  return project
}
