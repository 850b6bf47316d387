import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { readTrace } from '../../src/files/trace-file.js'
import { openTraceWriter } from '../../src/files/trace-writer.js'
import type { RecordedRow } from '../../src/operations/ports.js'
import { traceOperations } from '../../src/workload/request-source.js'

const writes = ['set', 'add', 'append', 'prepend', 'incr', 'decr'] as const
const rowOf = fc.record({
  op: fc.constantFrom('get' as const, 'delete' as const, ...writes),
  key: fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  valueBytes: fc.nat({ max: 2 ** 29 }),
  ttlSeconds: fc.nat(),
  client: fc.nat(),
  /** Since the one before. */
  atMicros: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
}) satisfies fc.Arbitrary<RecordedRow>

describe('a recorded trace', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  it('reads back as it was written, whatever bytes the keys have; what no line can hold is not accepted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rowOf, { minLength: 1 }), fc.boolean(), async (given, isPacked) => {
        const path = join(directory, isPacked ? 'trace.csv.gz' : 'trace.csv')
        const writer = await openTraceWriter(path, { hashKeys: false })
        for (const { key } of given)
          assert.equal(writer.accepts(key), key.length > 0 && !/[\r\n]/.test(key.toString('latin1')))
        let atMicros = 1_700_000_000e6
        const rows = given
          .filter(({ key }) => writer.accepts(key))
          .map((row) => {
            atMicros += row.atMicros
            return { ...row, atMicros }
          })
        for (const row of rows) await writer.write([row])
        await writer.close()
        if (rows.length === 0) return
        const { requests, names, ends } = await readTrace(path)
        const seen = rows.map((_, at) => {
          const key = requests.keys[at]!
          return {
            op: traceOperations[requests.ops[at]!]!.name,
            key: Buffer.from(names.slice(ends[key - 1] ?? 0, ends[key]!)).toString('hex'),
            valueBytes: requests.valueBytes[at],
            ttlSeconds: requests.ttlSeconds[at],
            atMicros: Math.round(requests.atMs[at]! * 1000),
          }
        })
        assert.equal(requests.keys.length, rows.length)
        assert.deepEqual(
          seen,
          rows.map(({ op, key, valueBytes, ttlSeconds, ...row }) => ({
            op: op === 'get' ? 'get' : op === 'delete' ? 'del' : 'set',
            key: key.toString('hex'),
            valueBytes,
            ttlSeconds,
            atMicros: row.atMicros - rows[0]!.atMicros,
          })),
        )
      }),
      { numRuns: 60 },
    )
  })

  it('hashes keys with a key of its own, so that two recordings cannot be joined', async () => {
    const names = await Promise.all(
      ['a.csv', 'b.csv'].map(async (name) => {
        const writer = await openTraceWriter(join(directory, name), { hashKeys: true })
        const row = { op: 'get', valueBytes: 0, ttlSeconds: 0, client: 0, atMicros: 1 } as const
        assert.ok(writer.accepts(Buffer.from('user:7\n')))
        await writer.write([{ ...row, key: Buffer.from('user:7\n') }])
        await writer.close()
        return Buffer.from((await readTrace(join(directory, name))).names).toString()
      }),
    )
    assert.match(names.join(' '), /^[0-9a-f]{20} [0-9a-f]{20}$/)
    assert.notEqual(names[0], names[1])
  })

  it('that cannot be written says why, and does not wait for ever', async () => {
    await assert.rejects(openTraceWriter(join(directory, 'no', 'such'), { hashKeys: false }), {
      exitCode: 2,
      message: /no such file/,
      remedy: 'Nothing was recorded.',
    })
    const writer = await openTraceWriter('/dev/full', { hashKeys: false })
    const key = Buffer.alloc(2 ** 16, 'k')
    const row = { op: 'get', key, valueBytes: 0, ttlSeconds: 0, client: 0, atMicros: 1 } as const
    await assert.rejects(
      (async () => {
        for (let count = 0; count < 100; count++) await writer.write([row])
      })(),
      { exitCode: 6, message: /trace file \/dev\/full: no space left/ },
    )
    await assert.rejects(writer.close(), { exitCode: 6 })
  })
})
