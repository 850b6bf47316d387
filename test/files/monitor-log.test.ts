import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { type MonitorLog, openMonitorLog } from '../../src/files/monitor-log.js'
import { createKeyPositions } from '../../src/hotkeys/key-positions.js'
import { redis7Commands } from '../../src/hotkeys/redis7-commands.js'
import type { SampledBurst } from '../../src/hotkeys/sampled.js'

const options = { positions: createKeyPositions(redis7Commands()), database: 0 }
const limits = { maxLines: 500, maxBytes: 256 * 1024, maxMs: 20 }

describe('a saved log of MONITOR', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  async function logOf(content: string | Buffer): Promise<MonitorLog> {
    const path = join(directory, 'log')
    await writeFile(path, typeof content === 'string' ? Buffer.from(content, 'latin1') : content)
    return openMonitorLog(path, options)
  }
  async function burstsOf(log: MonitorLog, of = limits): Promise<SampledBurst[]> {
    const bursts: SampledBurst[] = []
    while (!log.isAtEnd) bursts.push(await log.burst('log', of))
    await log.close()
    return bursts
  }
  const line = (ms: number, args: string, db = 0) =>
    `${(1_700_000_000 + ms / 1000).toFixed(6)} [${db} 127.0.0.1:5000] ${args}`
  const keysOf = (bursts: readonly SampledBurst[]) =>
    bursts.map(({ commands }) => commands.map(({ keys }) => keys.join('+')))

  it('is bursts of slices of time, values unseen', async () => {
    const log = await logOf(
      ['OK', line(0, '"SET" "a" "secret"'), line(50, '"MGET" "b" "c"'), line(120, '"get" "d"'), ''].join(
        '\n',
      ),
    )
    const bursts = await burstsOf(log)
    assert.deepEqual(keysOf(bursts), [['a', 'b+c'], ['d']])
    assert.deepEqual([bursts[0]?.node, bursts[0]?.atMs], ['log', 1_700_000_000_000])
    assert.deepEqual(bursts[0]?.commands[0], {
      ...{ command: 'set', keys: ['a'], bytes: 18, client: '127.0.0.1:5000' },
    })
    assert.ok(!JSON.stringify(bursts).includes('secret'))
    assert.deepEqual([log.commandCount, log.brokenLines, Math.round(log.spanMs)], [3, 0, 120])
  })

  it('finds keys without a server: scripts, containers, streams, stores, other databases', async () => {
    const log = await logOf(
      [
        line(0, '"EVAL" "return 1" "1" "called"'),
        line(0, '"OBJECT" "FREQ" "o"'),
        line(0, '"XREAD" "COUNT" "1" "STREAMS" "s1" "s2" "0" "0"'),
        line(0, '"ZUNIONSTORE" "to" "2" "z1" "z2"'),
        line(0, '"SORT" "l" "STORE" "sorted"'),
        line(0, '"GET" "elsewhere"', 3),
        line(0, '"PING"'),
      ].join('\n'),
    )
    const [burst] = await burstsOf(log)
    assert.deepEqual(
      burst?.commands.map(({ command, keys }) => [command, ...keys]),
      [
        ['object|freq', 'o'],
        ['xread', 's1', 's2'],
        ['zunionstore', 'to', 'z1', 'z2'],
        ['sort', 'l', 'sorted'],
        ['get'],
        ['ping'],
      ],
    )
  })

  it('counts broken lines and goes on; CRLF and a last line without an end are none', async () => {
    const log = await logOf(
      [
        'OK\r',
        `${line(0, '"GET" "a"')}\r`,
        'garbage',
        '1700000000.1 [0 1.2.3.4:5',
        line(1, '"GET" "b\\xff"'),
      ].join('\n'),
    )
    assert.deepEqual(keysOf(await burstsOf(log)), [['a', 'b\xff']])
    assert.equal(log.brokenLines, 2)
    assert.match(log.notes.join(), /2 lines are no lines/)
  })

  it('cuts a slice that is too large, and begins one where the clock goes back', async () => {
    const many = Array.from({ length: 25 }, (_, index) => line(0, `"GET" "k${index}"`))
    const sizes = (await burstsOf(await logOf(many.join('\n')), { ...limits, maxLines: 10 })).map(
      ({ commands }) => commands.length,
    )
    assert.deepEqual(sizes, [10, 10, 5])
    const back = await logOf([line(500, '"GET" "a"'), line(400, '"GET" "b"')].join('\n'))
    assert.deepEqual(keysOf(await burstsOf(back)), [['a'], ['b']])
  })

  it('reads gzip, and lines of any size without holding them', async () => {
    const large = line(0, `"SET" "big" "${'v'.repeat(5_000_000)}"`)
    const log = await logOf(gzipSync([large, line(0, '"GET" "after"')].join('\n')))
    const bursts = await burstsOf(log)
    assert.deepEqual(keysOf(bursts).flat(), ['big', 'after'])
    assert.ok(bursts[0]!.commands[0]!.bytes < 2 ** 20 + 100)
  })

  it('gives every command once, however the file is cut into lines and slices', async () => {
    const times = fc.array(fc.nat({ max: 3_000 }), { minLength: 1, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(times, fc.integer({ min: 1, max: 20 }), async (all, maxLines) => {
        const lines = all.map((ms, index) => line(ms, `"GET" "k${index}"`))
        const found = keysOf(await burstsOf(await logOf(lines.join('\n')), { ...limits, maxLines }))
        assert.deepEqual(
          found.flat(),
          all.map((_, index) => `k${index}`),
        )
        assert.ok(found.every((keys) => keys.length <= maxLines))
      }),
      { numRuns: 50 },
    )
  })

  it('refuses what is no log, and a file that is not there', async () => {
    await assert.rejects(burstsOf(await logOf('nothing\nof the kind\n')), /no line of MONITOR \(2 others\)/)
    await assert.rejects(burstsOf(await logOf('')), /no line of MONITOR/)
    const missing = openMonitorLog(join(directory, 'missing'), options)
    await assert.rejects(missing.burst('log', limits), /log .*missing: no such file/)
  })

  it('reads standard input', async () => {
    const script = `
      import { openMonitorLog } from ${JSON.stringify(new URL('../../src/files/monitor-log.js', import.meta.url))}
      import { createKeyPositions } from ${JSON.stringify(new URL('../../src/hotkeys/key-positions.js', import.meta.url))}
      import { redis7Commands } from ${JSON.stringify(new URL('../../src/hotkeys/redis7-commands.js', import.meta.url))}
      const log = openMonitorLog('-', { positions: createKeyPositions(redis7Commands()), database: 0 })
      while (!log.isAtEnd) for (const { keys } of (await log.burst('log', { maxLines: 9, maxBytes: 1e6 })).commands) console.log(keys.join())
      await log.close()`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stdin.end(`OK\n${line(0, '"GET" "piped"')}\n`)
    const [code] = await once(child, 'close')
    assert.deepEqual([code, out], [0, 'piped\n'])
  })
})
