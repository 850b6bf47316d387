/**
 * The whole suite, in three steps of which the first two keep both cores busy: what computes beside what mostly waits, then
 * what measures, alone. With arguments it is mocha with those.
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = 'dist/test'
const models = ['model', 'simulation']
const faults = ['faults', 'control']
const pure = ['hotkeys', 'workload', 'measure', 'ring', 'plan', 'files', 'report', 'terminal']
/** Their loads need the machine. */
const isMeasuring = (path) => /^(?:cli\/(?:bench|hotkeys|ci-script)|redis\/(?:load|hotkeys)\/)/.test(path)

const given = process.argv.slice(2)
if (given.length > 0) {
  process.exitCode = await mocha(given, 'inherit')
} else {
  const folderOf = (path) => (path.includes('/') ? path.split('/')[0] : '')
  const inFolders = (folders) => (path) => folders.includes(folderOf(path))
  const isOther = (path) => !inFolders([...models, ...faults, ...pure])(path) && !isMeasuring(path)
  const codes = [
    ...(await sideBySide(inFolders(models), inFolders(faults))),
    ...(await sideBySide(inFolders(pure), isOther)),
    await mocha(files(isMeasuring), 'inherit'),
  ]
  process.exitCode = codes.find((code) => code !== 0) ?? 0
}

/** Exit codes; the output of the first comes in one piece at the end. */
function sideBySide(one, other) {
  return Promise.all([mocha(files(one), 'pipe'), mocha(files(other), 'inherit')])
}

/** The test files that are wanted, by their paths under `dist/test`. */
function files(isWanted) {
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.js') && isWanted(path))
    .sort()
    .map((path) => join(root, path))
  return ['--no-config', '--enable-source-maps', '--timeout', '60000', '--forbid-only', ...found]
}

/** Its exit code. Piped output is shown in one piece at the end. */
function mocha(args, output) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['node_modules/mocha/bin/mocha.js', ...args], {
      stdio: ['inherit', output, output],
    })
    const chunks = []
    child.stdout?.on('data', (chunk) => chunks.push(chunk))
    child.stderr?.on('data', (chunk) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      process.stdout.write(Buffer.concat(chunks))
      resolve(code ?? 1)
    })
  })
}
