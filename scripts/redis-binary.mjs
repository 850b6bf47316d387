// A private copy of the Redis server in .cache/redis, unpacked from the distribution's signed packages:
// no root, nothing installed, no service. In Debian the server is the same file as redis-check-rdb (redis-tools).
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('../.cache/redis', import.meta.url))
const packages = ['redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1', 'libssl3']

if (!has('apt-get') || !has('dpkg-deb')) {
  console.error(
    `No Redis server, and no apt-get to fetch one. ${process.platform === 'darwin' ? 'Run: brew install valkey' : 'Install valkey or redis with your package manager'}\n` +
      'or set CACHECTL_REDIS_SERVER to a redis-server or valkey-server binary.',
  )
  process.exit(2)
}

const work = mkdtempSync(join(tmpdir(), 'cachectl-redis-'))
process.on('exit', () => rmSync(work, { recursive: true, force: true }))
for (const folder of ['state/lists/partial', 'cache/archives/partial', 'debs'])
  mkdirSync(join(work, folder), { recursive: true })
// apt drops its rights to _apt for downloads, which then must reach this folder
chmodSync(work, 0o755)
chmodSync(join(work, 'debs'), 0o777)
const apt = [
  '-o',
  `Dir::State=${work}/state`,
  '-o',
  `Dir::Cache=${work}/cache`,
  '-o',
  'Dir::State::status=/var/lib/dpkg/status',
  '-q',
]

run('apt-get', [...apt, 'update'], work)
run('apt-get', [...apt, 'download', ...packages], join(work, 'debs'))
const debs = readdirSync(join(work, 'debs')).filter((name) => name.endsWith('.deb'))
const bytes = debs.reduce((sum, deb) => sum + statSync(join(work, 'debs', deb)).size, 0)
const unpacked = join(work, 'root')
mkdirSync(unpacked)
for (const deb of debs) run('dpkg-deb', ['-x', join(work, 'debs', deb), unpacked], work)

rmSync(home, { recursive: true, force: true })
mkdirSync(join(home, 'lib'), { recursive: true })
mkdirSync(join(home, 'bin'))
for (const tool of ['redis-check-rdb', 'redis-cli', 'redis-benchmark']) {
  const from = join(unpacked, 'usr/bin', tool)
  if (existsSync(from)) cpSync(from, join(home, 'bin', tool), { dereference: true })
}
symlinkSync('redis-check-rdb', join(home, 'bin/redis-server'))
for (const base of ['usr/lib', 'lib']) {
  const folder = join(unpacked, base)
  if (!existsSync(folder)) continue
  for (const triplet of readdirSync(folder)) {
    if (!/-linux-gnu/.test(triplet)) continue
    for (const file of readdirSync(join(folder, triplet))) {
      if (file.includes('.so'))
        cpSync(join(folder, triplet, file), join(home, 'lib', file), { dereference: true })
    }
  }
}
const check = spawnSync(join(home, 'bin/redis-server'), ['--version'], {
  env: { ...process.env, LD_LIBRARY_PATH: join(home, 'lib') },
  encoding: 'utf8',
})
if (check.status !== 0) {
  console.error(`The fetched server does not run here: ${check.stderr || check.error?.message}`)
  rmSync(home, { recursive: true, force: true })
  process.exit(1)
}
console.error(
  `set-up: fetched ${debs.length} packages, ${(bytes / 2 ** 20).toFixed(1)} MiB (${debs.map((deb) => deb.split('_')[0]).join(', ')}),`,
)
console.error(`set-up: unpacked to .cache/redis: ${check.stdout.trim().split(' ').slice(0, 3).join(' ')}`)

function run(command, args, cwd) {
  const { status, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (status === 0) return
  console.error(`${command} failed: ${error?.message ?? stderr.trim()}`)
  console.error(
    'Install a server yourself (as root: apt-get install redis-tools gives the binary without a service),',
  )
  console.error('or set CACHECTL_REDIS_SERVER to a redis-server or valkey-server binary.')
  process.exit(1)
}

function has(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0
}
