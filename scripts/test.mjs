/**
 * The whole suite, in two steps: what computes beside what mostly waits, then, alone, what measures. With arguments it is
 * mocha with those.
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = 'dist/test'
const computing = ['model', 'simulation']
const waiting = ['faults', 'control']

const given = process.argv.slice(2)
if (given.length > 0) {
  process.exitCode = await mocha(given, 'inherit')
} else {
  const beside = mocha(
    files((folder) => computing.includes(folder)),
    'pipe',
  )
  const first = await mocha(
    files((folder) => waiting.includes(folder)),
    'inherit',
  )
  const second = await beside
  const third = await mocha(
    files((folder) => ![...computing, ...waiting].includes(folder)),
    'inherit',
  )
  process.exitCode = first || second || third
}

/** The test files under the folders of `dist/test` that are wanted; '' for those beside them. */
function files(isWanted) {
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.js') && isWanted(path.includes('/') ? path.split('/')[0] : ''))
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
