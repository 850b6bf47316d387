import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CachectlError, describeError, ExitCode, redact, registerSecret } from '../src/errors.js'
import { toErrorReport } from '../src/report-error.js'
import { root } from './support/cli.js'

describe('errors', () => {
  it('never show a secret that was read, wherever it stands', () => {
    registerSecret('s3cret/+value')
    assert.equal(redact('WRONGPASS for s3cret/+value and s3cret/+value'), 'WRONGPASS for *** and ***')
    const report = toErrorReport(new CachectlError('bad s3cret/+value', { exitCode: ExitCode.unreachable }))
    assert.doesNotMatch(JSON.stringify(report), /s3cret/)
  })

  it('mask the password of a URL', () => {
    assert.equal(
      redact('redis://user:pw@host:1 and redis://:pw@host'),
      'redis://user:***@host:1 and redis://:***@host',
    )
  })

  it('are described by their message only: fields of the Redis client hold arguments', () => {
    const error = Object.assign(new Error('ERR no'), { command: { name: 'auth', args: ['hidden'] } })
    assert.equal(describeError(error), 'ERR no')
  })

  it('are safe to print', () => {
    assert.equal(describeError(new Error('\x1b[2Jgone')), '\\u{1b}[2Jgone')
  })

  it('say the reason of the system in words', () => {
    const error = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), {
      errno: -111,
      code: 'ECONNREFUSED',
    })
    assert.equal(describeError(error), 'connection refused (ECONNREFUSED)')
  })

  it('of our own making ask for a report', () => {
    assert.match(
      toErrorReport(new TypeError('x is undefined')).error.message,
      /internal error: .*DEBUG=cachectl/,
    )
    assert.equal(toErrorReport(new TypeError('x')).error.exitCode, 1)
  })

  it('have the exit codes that the documents list', async () => {
    for (const path of ['docs/exit-codes.md', 'README.md']) {
      const text = await readFile(join(root, path), 'utf8')
      const listed = [...text.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))
      assert.deepEqual(listed, Object.values(ExitCode), path)
    }
  })
})
