/**
 * The whole suite: what computes, and then all the rest, beside what mostly waits, so that both cores are busy; at the end
 * what measures, alone. What failed is said once more at the very end, because logs are read, and cut, from there. With
 * arguments it is mocha with those, over all files where they name none.
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = 'dist/test'
const models = ['model', 'simulation']
const faults = ['faults']
const pure = ['hotkeys', 'workload', 'measure', 'ring', 'plan', 'files', 'report', 'terminal']
/** Their loads need the machine. */
const isMeasuring = (path) => /^(?:cli\/(?:bench|hotkeys|ci-script)|redis\/(?:load|hotkeys)\/)/.test(path)

const given = process.argv.slice(2)
if (given.length > 0) {
  const names = given.some((argument) => argument.endsWith('.js'))
  const { code } = await mocha(names ? given : [...given, ...files(() => true)])
  process.exitCode = code
} else {
  const folderOf = (path) => (path.includes('/') ? path.split('/')[0] : '')
  const inFolders = (folders) => (path) => folders.includes(folderOf(path))
  const isOther = (path) => !inFolders([...models, ...faults, ...pure])(path) && !isMeasuring(path)
  const computing = async () => [
    await mocha(files(inFolders(models)), 'at the end'),
    await mocha(files(inFolders(pure)), 'at the end'),
    await mocha(files(isOther), 'at the end'),
  ]
  const waiting = () => mocha(files(inFolders(faults)))
  const [computed, waited] = await Promise.all([computing(), waiting()])
  const failed = [...computed, waited, await mocha(files(isMeasuring))].filter(({ code }) => code !== 0)
  for (const { code, failures } of failed) console.log(failures || `mocha ended with ${code}`)
  process.exitCode = failed[0]?.code ?? 0
}

/** The test files that are wanted, by their paths under `dist/test`. */
function files(isWanted) {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.js') && isWanted(path))
    .sort()
    .map((path) => join(root, path))
}

/** Its exit code, and what its reporter said of failures. Output is shown as it comes, or in one piece at the end. */
function mocha(args, shown = 'at once') {
  return new Promise((resolve, reject) => {
    const color = process.stdout.isTTY ? ['--color'] : []
    const child = spawn(process.execPath, ['node_modules/mocha/bin/mocha.js', ...color, ...args], {
      stdio: ['inherit', 'pipe', 'pipe'],
    })
    const chunks = []
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        chunks.push(chunk)
        if (shown === 'at once') process.stdout.write(chunk)
      })
    }
    child.on('error', reject)
    child.on('close', (code) => {
      const output = Buffer.concat(chunks).toString()
      if (shown === 'at the end') process.stdout.write(output)
      resolve({ code: code ?? 1, failures: /^[^\n]*\d+ failing.*/ms.exec(output)?.[0] })
    })
  })
}
