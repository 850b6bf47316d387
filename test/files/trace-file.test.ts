import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { readTrace, type Trace } from '../../src/files/trace-file.js'
import { describeTrace } from '../../src/files/trace-summary.js'
import { traceOperations } from '../../src/workload/request-source.js'

const header = 'time,key,key_size,value_size,client,op,ttl\n'
const twitter = '0,q:q:1:8WTfjZU14ee,17,213,4,get,0\n0,yDqF:3q:1,27,27,5,gets,0\n1,a,1,9,6,incr,60\n'
const cachelib = [
  'op_time,key,key_size,op,op_count,size,cache_hits,ttl,usecase,sub_usecase\n',
  '604038471,a54f,24,GET,3,0,0,0,1,2\n604038471,0663,81,GET_LEASE,1,6432,1,0,1,2\n',
  '604038473,8287,67,SET,1,65,0,7200,3,4\n604038474,8287,67,DELETE,2,0,0,0,3,4\n',
].join('')
const cachelibLater = [
  'op_time,key,key_size,op,op_count,size,cache_hits,usecase,sub_usecase,ttl\n',
  '603347270,2776,68,SET_LEASE,1,11,0,2777918327,4180585383,7200\n',
].join('')

let directory: string

async function read(text: string | Buffer, name = 'trace.csv'): Promise<Trace> {
  const path = join(directory, name)
  await writeFile(path, text)
  return readTrace(path)
}

function keyOf({ names, ends }: Trace, index: number): string {
  return Buffer.from(names.subarray(ends[index - 1] ?? 0, ends[index]!)).toString('latin1')
}

/** `op key`, and with what a write says: `set key 20 B 60 s`. */
function rowsOf(trace: Trace): string[] {
  const { keys, ops, valueBytes, ttlSeconds } = trace.requests
  return Array.from(keys, (key, at) => {
    const row = `${traceOperations[ops[at]!]!.name} ${keyOf(trace, key)} ${valueBytes[at]} B`
    return ttlSeconds[at] === 0 ? row : `${row} ${ttlSeconds[at]} s`
  })
}

describe('traces', () => {
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  const rows = '0,a,1,10,0,get,0\n1,k,ey,3,20,5,set,60\n2,a,1,0,0,delete,0\n'
  const expected = ['get a 10 B', 'set k,ey 20 B 60 s', 'del a 0 B']

  it('are read with and without a header, plain and gzipped; keys may hold commas', async () => {
    const mark = '\ufeff'
    for (const text of [header + rows, rows, rows.replaceAll('\n', '\r\n'), mark + header + rows])
      assert.deepEqual(rowsOf(await read(text)), expected)
    assert.deepEqual(rowsOf(await read(rows.slice(0, -1))), expected, 'the last line may lack its end')
    const halves = Buffer.concat([gzipSync(header + rows.slice(0, 25)), gzipSync(rows.slice(25))])
    assert.deepEqual(rowsOf(await read(gzipSync(header + rows), 'trace.csv.gz')), expected)
    assert.deepEqual(rowsOf(await read(halves, 'no-such-name.csv')), expected, 'by content, several members')
  })

  it("are read in Twitter's and CacheLib's formats, by header in any order", async () => {
    const [, ...others] = rowsOf(await read(twitter))
    assert.deepEqual(others, ['get yDqF:3q:1 27 B', 'set a 9 B 60 s'])
    const get = 'get a54f 0 B'
    const del = 'del 8287 0 B'
    assert.deepEqual(rowsOf(await read(cachelib)), [
      ...[get, get, get, 'get 0663 6432 B'],
      ...['set 8287 65 B 7200 s', del, del],
    ])
    assert.deepEqual(rowsOf(await read(cachelibLater)), ['set 2776 11 B 7200 s'])
    const least = await read('op,note,key\nGET,x,a,b\nset,y,,\n')
    assert.deepEqual(rowsOf(least), ['get a,b 0 B', 'set , 0 B'])
    assert.equal(least.hasTimes, false)
    const half = await read('0,k,1,1.9,0,set,0.5\n')
    assert.deepEqual(rowsOf(half), ['set k 1 B 1 s'], 'half a second is not for ever')
  })

  it('spread the requests of one tick of a coarse clock, and keep the gaps of a fine one', async () => {
    const at = async (...times: string[]) => {
      const trace = await read(times.map((time) => `${time},k,1,1,0,get,0\n`).join(''))
      return Array.from(trace.requests.atMs, (ms) => Math.round(ms * 1e3) / 1e3)
    }
    assert.deepEqual(await at('7', '7', '7', '7', '9'), [0, 250, 500, 750, 2_000])
    assert.deepEqual(await at('7.0', '7.0', '8.00'), [0, 500, 1_000], 'a point alone makes no finer clock')
    assert.deepEqual(await at('1700000000.000001', '1700000000.000251', '1700000001'), [0, 0.25, 999.999])
    assert.deepEqual(await at('1.5', '1.5', '2.25'), [0, 5, 750], 'hundredths')
  })

  it('clamp small steps back in time and refuse large ones', async () => {
    const trace = await read('7,a,1,1,0,get,0\n6.5,b,1,1,0,get,0\n7.5,c,1,1,0,get,0\n')
    assert.equal(trace.clampedCount, 1)
    assert.deepEqual(
      Array.from(trace.requests.atMs, (ms) => Math.round(ms)),
      [0, 50, 500],
    )
    await assert.rejects(read('9,a,1,1,0,get,0\n7,b,1,1,0,get,0\n'), {
      exitCode: 2,
      message: /trace\.csv:2: its time is 2 s before the line above, expected times that do not fall/,
    })
  })

  it('keep every byte of a key, and number keys by their bytes', async () => {
    const key = fc
      .uint8Array({ minLength: 1, maxLength: 40 })
      .map((bytes) => Buffer.from(bytes).toString('latin1').replaceAll('\n', '\r'))
    await fc.assert(
      fc.asyncProperty(fc.array(key, { minLength: 1, maxLength: 50 }), async (keys) => {
        const text = keys.map((each, at) => `${at},${each},1,${at},0,set,0\n`).join('')
        const trace = await read(Buffer.from(text, 'latin1'))
        assert.deepEqual(
          Array.from(trace.requests.keys, (index) => keyOf(trace, index)),
          keys,
        )
        assert.equal(trace.ends.length, new Set(keys).size)
      }),
      { numRuns: 50 },
    )
  })

  it('of many keys and requests outgrow every first reservation', async () => {
    const count = 140_000
    const lines = Array.from({ length: count }, (_, at) => `${at},${at % 70_000},1,${at},0,get,0\n`)
    const trace = await read(gzipSync(lines.join(''), { level: 1 }), 'many.csv.gz')
    assert.equal(trace.ends.length, 70_000)
    for (let at = 0; at < count; at += 997) {
      assert.equal(keyOf(trace, trace.requests.keys[at]!), String(at % 70_000))
      assert.equal(trace.requests.valueBytes[at], at)
      assert.equal(trace.requests.atMs[at], at * 1_000)
    }
  })

  it('say what they are made of, and how far reading is', async () => {
    assert.deepEqual(describeTrace(await read(cachelib)), {
      requestCount: 7,
      keyCount: 3,
      spanSeconds: 3.5,
      operationCounts: { get: 4, set: 1, del: 2 },
      meanKeyBytes: 4,
      meanValueBytes: (6_432 + 65) / 2,
    })
    const seen: number[] = []
    await readTrace(join(directory, 'trace.csv'), { onProgress: (count) => seen.push(count) })
    assert.deepEqual(seen, [7])
    await assert.rejects(
      readTrace(join(directory, 'trace.csv'), { signal: AbortSignal.abort(new Error('stop')) }),
      { message: 'stop' },
    )
  })

  const fixtures = resolve('../shared/traces/fixtures')
  it('of CacheLib and Twitter, as published', async function () {
    if (!existsSync(fixtures)) return this.skip()
    const counts = async (name: string) => {
      const summary = describeTrace(await readTrace(join(fixtures, name)))
      return [summary.requestCount, summary.keyCount, summary.operationCounts]
    }
    assert.deepEqual(await counts('cachelib_kv_traces_1.csv'), [691, 52, { get: 678, set: 10, del: 3 }])
    assert.deepEqual(await counts('cachelib_kv_traces_2.csv'), [433, 62, { get: 418, set: 14, del: 1 }])
    assert.deepEqual(await counts('twitter_cluster_head5.csv'), [5, 5, { get: 5, set: 0, del: 0 }])
  })
})

describe('a trace that cannot be read', () => {
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  const broken: [name: string, line: string, message: RegExp][] = [
    ['too few columns', '1,b,get', /trace\.csv:3: 3 columns, expected time,key/],
    ['a size that is no number', '1,b,1,ten,0,get,0', /:3: value_size is ten, expected a number/],
    ['a number that ends at its point', '1.,b,1,1,0,get,0', /:3: time is 1\., expected a number/],
    ['a missing number', '1,b,1,1,0,get,', /:3: ttl is , expected a number/],
    ['a negative number', '1,b,1,1,0,get,-1', /:3: ttl is -1, expected a number/],
    ['an operation we do not know', '1,b,1,1,0,frob,0', /:3: op is frob, expected one of get, gets, set/],
    ["a word of JavaScript's own", '1,b,1,1,0,toString,0', /:3: op is toString, expected one of/],
    ['an empty key', '1,,0,1,0,get,0', /:3: the key is empty/],
    [
      'a value beyond what a server takes',
      '1,b,1,999999999999,0,get,0',
      /:3: value_size is 9+, expected at most/,
    ],
    ['a TTL beyond 32 bits', '1,b,1,1,0,set,4294967296', /:3: ttl is 4294967296, expected at most/],
    ['control characters', '1,b,1,\x1b[2J,0,get,0', /:3: value_size is \\u\{1b\}\[2J/],
    ['NUL bytes', '\0\0\0,b,1,1,0,get,0', /:3: time is \\0\\0\\0, expected a number/],
  ]
  for (const [name, line, message] of broken) {
    it(`names file and line of ${name}`, async () => {
      await assert.rejects(read(`${header}0,a,1,1,0,get,0\n${line}\n`), { exitCode: 2, message })
    })
  }

  it('names what it is instead', async () => {
    const refuses = (text: string | Buffer, message: RegExp) =>
      assert.rejects(read(text, 'bad.csv.gz'), { exitCode: 2, message })
    await refuses(header, /no requests in it/)
    await refuses('', /no requests in it/)
    await refuses('not gzip', /bad\.csv\.gz:1: not gzip is no header and no request, expected time,key/)
    await refuses('key,op,key\n', /:1: key,op,key is no header/)
    await refuses(Buffer.alloc(2 ** 21), /bad\.csv\.gz:1: the line is longer than 1048576 bytes/)
    await refuses(gzipSync(header + '0,a,1,1,0,get,0\n'.repeat(99)).subarray(0, 60), /data ends too early/)
    await refuses(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]), /is packed with zstd/)
    await refuses(cachelib.replace('GET,3', 'GET,0'), /:2: op_count is 0, expected a whole number from 1/)
    await assert.rejects(readTrace(join(directory, 'none.csv')), { exitCode: 2, message: /no such file/ })
    await assert.rejects(readTrace(directory), { exitCode: 2, message: /directory/ })
  })
})
