/** Every TypeScript block of the cache's pages compiles under strict rules, runs on a real server, and prints what it says. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ConsumerProject, createConsumer, repository } from '../support/consumer-project.js'
import { startServers, type TestServers } from '../support/redis-servers.js'
import { type Snippet, snippetsOf } from './snippets.js'

/**
 * One process for all: each is ended by itself, or the process would not end. On a machine that is busy elsewhere a node may
 * not answer in its 50 ms, which is right, and not what the pages are about: such a one begins again on an empty server.
 */
const runner = `import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { format } from 'node:util'
const results = {}
const { log } = console
let isOpen = false
for (const name of JSON.parse(readFileSync('run.json', 'utf8'))) {
  for (let attempt = 1; attempt <= 3; attempt++) {
    const printed = (results[name] = { lines: [] })
    console.log = (...parts) => printed.lines.push(...format(...parts).split('\\n'))
    try {
      await import(\`./out/\${name}.mjs?\${attempt}\`)
      break
    } catch (error) {
      printed.error = String(error?.stack ?? error)
      isOpen = true
      if (!/no answer within/.test(printed.error)) break
      await new Promise((resolve) => {
        const socket = connect(new URL(process.env.REDIS_URL).port, '127.0.0.1', () => socket.write('FLUSHALL\\r\\n'))
        socket.once('data', () => resolve(socket.destroy()))
      })
    }
  }
}
log(JSON.stringify(results))
// what a failed one has left open is not the next one's fault
if (isOpen) process.exit()
`

describe('the TypeScript of the pages', () => {
  const snippets = new Map<string, Snippet>()
  let project: ConsumerProject
  let servers: TestServers

  before(async () => {
    const folder = join(repository, 'docs/cache')
    const inFolder = existsSync(folder)
      ? (await readdir(folder)).sort().map((page) => `docs/cache/${page}`)
      : []
    for (const page of ['README.md', 'docs/cache.md', ...inFolder]) {
      const found = snippetsOf(page, await readFile(join(repository, page), 'utf8'))
      for (const [index, snippet] of found.entries())
        snippets.set(`${page.replace(/\W+/g, '-')}-${index + 1}`, snippet)
    }
    servers = await startServers(1)
    project = await createConsumer()
    for (const name of ['cachectl', 'pg', '@types/pg', '@opentelemetry/api']) await project.link(name)
  })
  after(async () => {
    await servers?.stop()
    await project?.remove()
  })

  it('compiles, runs, and prints what its comments say', async () => {
    for (const [name, { code, place }] of snippets)
      await project.write(`${name}.mts`, `// ${place}\n${code}\nexport {}\n`)
    await project.compile()
    const names = [...snippets].filter(([, { isRun }]) => isRun).map(([name]) => name)
    await project.write('run.json', JSON.stringify(names))
    await project.write('run.mjs', runner)
    const printed = await project.node(['run.mjs'], { REDIS_URL: servers.servers[0]!.url })
    const results: Record<string, { lines: string[]; error?: string }> = JSON.parse(printed)
    for (const name of names) {
      const { place, prints } = snippets.get(name)!
      assert.equal(results[name]?.error, undefined, place)
      assert.deepEqual(results[name]?.lines, prints, place)
    }
  })

  it('is told apart by its marks', () => {
    const text = [
      ...['```ts', 'const a = 1', '```', '', '<!-- continues -->', '```ts', 'console.log(a) // → 1', '```'],
      ...['<!-- not run -->', '', '```ts', 'await a', '```', '```js', 'no', '```'],
    ].join('\n')
    assert.deepEqual(snippetsOf('p.md', text), [
      { place: 'p.md:1', code: 'const a = 1\nconsole.log(a) // → 1', isRun: true, prints: ['1'] },
      { place: 'p.md:9', code: 'await a', isRun: false, prints: [] },
    ])
  })
})
