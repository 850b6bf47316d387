import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { readTrace } from '../../src/files/trace-file.js'
import { operation } from '../../src/workload/requests.js'

const header = 'time,key,key_size,value_size,client,op,ttl\n'

describe('traces', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  async function read(text: string | Buffer, name = 'trace.csv') {
    const path = join(directory, name)
    await writeFile(path, text)
    const { requests, names, ends } = await readTrace(path)
    const keyOf = (index: number) =>
      Buffer.from(names.subarray(ends[index - 1] ?? 0, ends[index]!)).toString()
    return Array.from(requests.keys, (key, at) => ({
      key: keyOf(key),
      op: requests.ops[at],
      valueBytes: requests.valueBytes[at],
    }))
  }

  const rows = '0,a,1,10,0,get,0\n1,k,ey,3,20,5,set,60\n2,a,1,0,0,delete,0\n'
  const expected = [
    { key: 'a', op: operation.get, valueBytes: 10 },
    { key: 'k,ey', op: operation.set, valueBytes: 20 },
    { key: 'a', op: operation.del, valueBytes: 0 },
  ]

  it('are read with and without a header, plain and gzipped; keys may hold commas', async () => {
    assert.deepEqual(await read(header + rows), expected)
    assert.deepEqual(await read(rows), expected)
    assert.deepEqual(await read(rows.replaceAll('\n', '\r\n')), expected)
    assert.deepEqual(await read(gzipSync(header + rows), 'trace.csv.gz'), expected)
  })

  const broken: [name: string, line: string, message: RegExp][] = [
    ['too few columns', '1,b,get', /trace\.csv:3: 3 columns, expected time,key/],
    ['a size that is no number', '1,b,1,ten,0,get,0', /:3: value_size is ten, expected a number/],
    ['an operation we do not know', '1,b,1,1,0,frob,0', /:3: op is frob, expected one of get/],
    ['an empty key', '1,,0,1,0,get,0', /:3: the key is empty/],
    [
      'a value beyond what a server takes',
      '1,b,1,999999999999,0,get,0',
      /:3: value_size is 999999999999, expected at most/,
    ],
    ['control characters', '1,b,1,\x1b[2J,0,get,0', /:3: value_size is \\u\{1b\}\[2J/],
  ]
  for (const [name, line, message] of broken) {
    it(`name file and line of ${name}`, async () => {
      await assert.rejects(read(`${header}0,a,1,1,0,get,0\n${line}\n`), { exitCode: 2, message })
    })
  }

  it('that are empty, missing or no gzip are refused', async () => {
    await assert.rejects(read(header), { exitCode: 2, message: /no requests in it/ })
    await assert.rejects(read('not gzip', 'bad.csv.gz'), { exitCode: 2, message: /bad\.csv\.gz/ })
    await assert.rejects(readTrace(join(directory, 'none.csv')), { exitCode: 2, message: /no such file/ })
  })
})
