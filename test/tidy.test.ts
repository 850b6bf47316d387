/** The layer table of docs/architecture.md as data: an import that points up, a cycle or a stray clock fails here. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = findRoot(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'src')

const anywhere = [
  'errors.ts',
  'clock.ts',
  'random.ts',
  'printable.ts',
  'process-identity.ts',
  'nearest-name.ts',
]
const pure = ['ring', 'plan', 'workload', 'measure', 'hotkeys']
const adapters = [
  ...pure,
  'operations/ports.ts',
  'operations/hotkeys/ports.ts',
  'operations/hotkeys/server-settings.ts',
  'cache/ports.ts',
  'cache/journal-port.ts',
]

/** folder → what it may import besides itself and `anywhere`. */
const layers: Record<string, readonly string[]> = {
  ring: [],
  workload: ['ring'],
  measure: [],
  hotkeys: ['ring'],
  plan: ['ring'],
  cache: [
    'ring',
    'measure/latency-histogram.ts',
    'hotkeys/hot-set.ts',
    'hotkeys/parse-hot-set.ts',
    'hotkeys/hot-demand.ts',
  ],
  operations: [...pure, 'cache'],
  redis: adapters,
  control: [...adapters, 'redis'],
  files: adapters,
  lab: adapters,
  sources: adapters,
  terminal: [...pure, 'operations'],
  report: [...pure, 'operations', 'cache'],
}
const hashesOnly: Record<string, string> = { hotkeys: 'ring/hash', workload: 'ring/hash' }
const top = [
  'base-command.ts',
  'ring-change-command.ts',
  'ring-status-command.ts',
  'change-ports.ts',
  'bench-agents.ts',
  'bench-command.ts',
  'bench-strategy.ts',
  'bench-flags.ts',
  'bench-mistakes.ts',
  'bench-job.ts',
  'bench-workload.ts',
  'bench-compare.ts',
  'bench-configuration.ts',
  'bench-report.ts',
  'bench-sides.ts',
  'bench-cache-process.ts',
  'hotkeys-mitigation.ts',
  'hotkeys-choice.ts',
  'hotkeys-sampling.ts',
  'hotkeys-auto.ts',
  'hotkeys-flags.ts',
  'hotkeys-metrics-server.ts',
  'hotkeys-report.ts',
  'hotkeys-run.ts',
  'hotkeys-sources.ts',
  'hotkeys-watch.ts',
  'lab-command.ts',
  'cache-verify.ts',
  'cache-verify-flags.ts',
  'open-control.ts',
  'failpoint.ts',
  'open-ring.ts',
  'open-cache.ts',
  'lazy-cache.ts',
  'command-not-found.ts',
  'report-error.ts',
  'index.ts',
  'commands',
]
const forbiddenFolders = ['utils', 'helpers', 'common', 'lib', 'core', 'services', 'types', 'interfaces']

interface SourceFile {
  readonly path: string
  readonly folder: string
  readonly text: string
  readonly imports: readonly string[]
}

const files = listFiles(source).map(readSource)

describe('the tree', () => {
  it('has only folders of the layer table', () => {
    const known = [...Object.keys(layers), ...top, ...anywhere]
    for (const entry of readdirSync(source))
      assert.ok(known.includes(entry), `src/${entry} is not in the table`)
    for (const file of files) {
      for (const part of dirname(file.path).split('/')) {
        assert.ok(!forbiddenFolders.includes(part), `${file.path}: a folder called ${part}`)
      }
    }
  })

  it('imports point down only', () => {
    const wrong: string[] = []
    for (const file of files) {
      for (const target of file.imports) {
        if (!mayImport(file, target)) wrong.push(`${file.path} imports ${target}`)
      }
    }
    assert.deepEqual(wrong, [])
  })

  it('has no import cycle', () => {
    const graph = new Map(files.map((file) => [file.path, file.imports]))
    const done = new Set<string>()
    const walk = (path: string, trail: readonly string[]): void => {
      assert.ok(!trail.includes(path), `cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`)
      if (done.has(path)) return
      for (const next of graph.get(path) ?? []) walk(next, [...trail, path])
      done.add(path)
    }
    for (const file of files) walk(file.path, [])
  })

  it('imports ioredis in redis/ only', () => {
    for (const file of files) {
      if (file.folder === 'redis') continue
      assert.doesNotMatch(file.text, /(?:from|import\() ?['"]ioredis/, file.path)
    }
  })

  it('reads clocks and chance in their own files only', () => {
    for (const file of files) {
      if (file.path === 'clock.ts' || file.path === 'random.ts') continue
      const code = withoutComments(file.text)
      assert.doesNotMatch(code, /\bDate\.now\(|\bMath\.random\(|\bperformance\.now\(|\bhrtime\b/, file.path)
    }
  })

  it('keeps files under 300 lines', () => {
    for (const file of files) {
      const lineCount = file.text.split('\n').length
      assert.ok(lineCount <= 300, `${file.path} has ${lineCount} lines`)
    }
  })

  it('keeps commands under 60 lines of code', () => {
    for (const file of files.filter((each) => each.folder === 'commands')) {
      const lineCount = withoutComments(file.text)
        .split('\n')
        .filter((line) => line.trim() && !line.startsWith('import ')).length
      assert.ok(lineCount <= 60, `${file.path} has ${lineCount} lines`)
    }
  })

  it('has no type escapes', () => {
    for (const file of files) {
      assert.doesNotMatch(
        withoutComments(file.text),
        /: any\b|<any>|\bas any\b|as unknown as|@ts-/,
        file.path,
      )
    }
  })
})

function mayImport(file: SourceFile, target: string): boolean {
  if (anywhere.includes(file.path)) return anywhere.includes(target)
  if (anywhere.includes(target)) return true
  if (top.includes(file.folder) || top.includes(file.path)) return true
  if (target.startsWith(`${file.folder}/`)) return true
  const only = hashesOnly[file.folder]
  if (only && target.startsWith('ring/')) return target.startsWith(only) || target === 'ring/topology.ts'
  return (layers[file.folder] ?? []).some((allowed) => target === allowed || target.startsWith(`${allowed}/`))
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(source, path), 'utf8')
  const imports: string[] = []
  for (const [, specifier] of withoutComments(text).matchAll(
    /(?:from|import\(|import|new URL\() ?['"](\.{1,2}\/[^'"]+)['"]/g,
  )) {
    const target = relative(source, resolve(source, dirname(path), specifier!)).replace(/\.js$/, '.ts')
    if (!target.startsWith('..')) imports.push(target)
  }
  const folder = path.includes('/') ? path.slice(0, path.indexOf('/')) : path
  return { path, folder, text, imports }
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && statSync(join(folder, path)).isFile())
    .sort()
}

function findRoot(from: string): string {
  let at = from
  while (!readdirSync(at).includes('package.json')) at = dirname(at)
  return at
}
