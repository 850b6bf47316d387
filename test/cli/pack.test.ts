/**
 * What `npm publish` would send, unpacked in an empty project beside nothing but its declared dependencies: no registry is
 * asked, and whatever it imports without declaring it is missing here.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type ConsumerProject, createConsumer, repository } from '../support/consumer-project.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

const run = promisify(execFile)

describe('the npm package', () => {
  let project: ConsumerProject
  let servers: TestServers
  let files: readonly string[]

  before(async () => {
    project = await createConsumer()
    servers = await startServers(1)
    const { directory } = project
    const packed = await run(
      'npm',
      ['pack', '--ignore-scripts', '--offline', '--silent', '--pack-destination', directory],
      { cwd: repository },
    )
    const installed = join(directory, 'node_modules/cachectl')
    await mkdir(installed)
    await run('tar', ['-xzf', join(directory, packed.stdout.trim()), '--strip-components=1', '-C', installed])
    const manifest: { dependencies: Record<string, string> } = JSON.parse(
      await readFile(join(installed, 'package.json'), 'utf8'),
    )
    for (const name of Object.keys(manifest.dependencies)) await project.link(name)
    files = await readdir(installed, { recursive: true })
  })
  after(async () => {
    await servers?.stop()
    await project?.remove()
  })

  it('gives a first hit in three lines of TypeScript', async () => {
    await project.write(
      'first.mts',
      `import { createCache } from 'cachectl'
const users = createCache({ ring: process.env.REDIS_URL!, ttl: '5m', load: async (id) => ({ name: \`user \${id}\` }) })
console.log((await users.get('42'))?.name, users.peek('42')?.name)
await users.close()
`,
    )
    // all doors that need no optional peer
    await project.write(
      'doors.mts',
      `import { compressed, createCache } from 'cachectl'
import { prometheusText } from 'cachectl/metrics'
import { messagePackCodec } from 'cachectl/msgpack'
const cache = createCache<number>({ ttl: 1_000, codec: compressed(messagePackCodec()) })
console.log(await cache.get('one', () => 1), prometheusText(cache).includes('cachectl_cache_gets_total'))
`,
    )
    await project.compile()
    const env = { REDIS_URL: servers.servers[0]!.url }
    assert.equal(await project.node(['out/first.mjs'], env), 'user 42 user 42\n')
    assert.equal(await project.node(['out/doors.mjs']), '1 true\n')
  })

  it('has the command', async () => {
    assert.match(await project.node(['node_modules/cachectl/bin/run.js', '--version']), /cachectl\/\d/)
  })

  it('holds what it needs, and no tests, benchmarks or sources', () => {
    const parts = new Set(files.map((path) => path.split('/')[0]))
    assert.deepEqual([...parts].sort(), [
      ...['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'dist', 'docs', 'oclif.manifest.json'],
      ...['package.json', 'topologies', 'workloads'],
    ])
    for (const path of files.filter((each) => each.startsWith('dist/'))) assert.match(path, /^dist\/src/)
  })

  it('loads no dependency for `import "cachectl"`', async () => {
    await project.write(
      'loaded.mjs',
      `import { register } from 'node:module'
register('data:text/javascript,' + encodeURIComponent(\`
export async function resolve(specifier, context, next) {
  if (!/^(node:|[.]|file:|data:|cachectl)/.test(specifier)) console.log(specifier)
  return next(specifier, context)
}\`))
await import('cachectl')
`,
    )
    assert.equal(await project.node(['loaded.mjs']), '')
  })
})
