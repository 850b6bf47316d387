#!/usr/bin/env node
// `--version` is answered without loading the framework: scripts call it often, and it costs a third.
import { readFileSync } from 'node:fs'

if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-v')) {
  const { name, version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  process.stdout.write(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`)
} else {
  // with DEBUG=* ioredis prints every command, AUTH and its password among them
  if (process.env.DEBUG) process.env.DEBUG += ',-ioredis:*'
  // chalk knows FORCE_COLOR only, and Node warns of both
  if (process.env.NO_COLOR) {
    process.env.FORCE_COLOR = '0'
    delete process.env.NO_COLOR
  }
  const { execute } = await import('@oclif/core/execute')
  await execute({ dir: import.meta.url })
}
