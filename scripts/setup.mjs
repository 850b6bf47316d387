// All the set-up of a fresh machine, and nothing where nothing is to do: dependencies, build, a server binary.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const at = (...parts) => join(root, ...parts)

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`cachectl needs Node 20.19 or later; this is ${process.versions.node}.`)
  process.exit(2)
}

if (modified(at('node_modules/.package-lock.json')) < modified(at('package-lock.json'))) {
  step('Installing dependencies (npm ci)')
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
}

const sources = ['src', 'test', 'bench'].filter((folder) => existsSync(at(folder)))
const newest = Math.max(
  modified(at('tsconfig.json')),
  modified(at('package.json')),
  ...sources.map((each) => newestIn(at(each))),
)
if (modified(at('oclif.manifest.json')) < newest) {
  step('Building')
  run(process.execPath, [at('scripts/build.mjs')])
}

const { findServerBinary } = await import('../dist/src/lab/server-binary.js')
if (!(await findServerBinary(process.env).catch(() => undefined))) {
  step('No redis-server or valkey-server found: fetching a private copy')
  run(process.execPath, [at('scripts/redis-binary.mjs')])
}

function step(text) {
  console.error(`set-up: ${text}`)
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (error) console.error(`set-up: ${command}: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0
}

function newestIn(folder) {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return Math.max(0, ...files.map((file) => modified(join(folder, file))))
}
