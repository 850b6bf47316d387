/**
 * The whole suite: what computes, and then all the rest, beside what mostly waits, so that both cores are busy; at the end
 * what measures, alone. With arguments it is mocha with those, over all files where they name none.
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
  const names = given.some((argument) => argument.endsWith('.js'))
  process.exitCode = await mocha(names ? given : [...given, ...files(() => true)], 'inherit')
} else {
  const folderOf = (path) => (path.includes('/') ? path.split('/')[0] : '')
  const inFolders = (folders) => (path) => folders.includes(folderOf(path))
  const isOther = (path) => !inFolders([...models, ...faults, ...pure])(path) && !isMeasuring(path)
  const computing = async () => [
    await mocha(files(inFolders(models)), 'pipe'),
    await mocha(files(inFolders(pure)), 'pipe'),
    await mocha(files(isOther), 'pipe'),
  ]
  const waiting = () => mocha(files(inFolders(faults)), 'inherit')
  const [computed, waited] = await Promise.all([computing(), waiting()])
  const codes = [...computed, waited, await mocha(files(isMeasuring), 'inherit')]
  process.exitCode = codes.find((code) => code !== 0) ?? 0
}

/** The test files that are wanted, by their paths under `dist/test`. */
function files(isWanted) {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.js') && isWanted(path))
    .sort()
    .map((path) => join(root, path))
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
