import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createKeyPositions } from '../../src/hotkeys/key-positions.js'
import { MonitorStream } from '../../src/hotkeys/monitor-stream.js'
import type { SampledCommand } from '../../src/hotkeys/sampled.js'

const positions = createKeyPositions([
  { name: 'get', first: 1, last: 1, step: 1 },
  { name: 'set', first: 1, last: 1, step: 1 },
  { name: 'mset', first: 1, last: -1, step: 2 },
  { name: 'del', first: 1, last: -1, step: 1 },
  { name: 'ping', first: 0, last: 0, step: 0 },
])

/** All commands of a stream, cut into chunks of that size. */
function read(bytes: Buffer, chunkBytes = bytes.length, database = 0): SampledCommand[] {
  const commands: SampledCommand[] = []
  const stream = new MonitorStream({
    ...{ positions, database },
    onCommand: (command) => commands.push(command),
  })
  for (let at = 0; at < bytes.length; at += Math.max(1, chunkBytes))
    stream.feed(bytes.subarray(at, at + Math.max(1, chunkBytes)))
  return commands
}

function parse(text: string) {
  const [parsed] = read(Buffer.from(`${text}\n`, 'latin1'))
  return parsed && { command: parsed.command, keys: parsed.keys }
}

/** Redis' `sdscatrepr` (sds.c). */
function repr(bytes: Uint8Array): string {
  const named: Record<number, string> = {
    10: '\\n',
    13: '\\r',
    9: '\\t',
    7: '\\a',
    8: '\\b',
    34: '\\"',
    92: '\\\\',
  }
  const shown = [...bytes].map((byte) => {
    if (named[byte]) return named[byte]
    return byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
  })
  return `"${shown.join('')}"`
}

describe('a MONITOR line', () => {
  const command = { command: 'get', keys: ['k'] }
  it('is read whatever the client address looks like', () => {
    assert.deepEqual(parse('1700000000.123456 [0 127.0.0.1:5000] "GET" "k"'), command)
    assert.deepEqual(parse('1700000000.123456 [0 [::1]:5000] "get" "k"'), command)
    assert.deepEqual(parse('1700000000.123456 [0 unix:/run/redis ["x].sock] "get" "k"'), command)
    assert.deepEqual(parse('1700000000.123456 [0 lua] "get" "k"'), command)
  })

  it('gives every key of a command, and none of a command without', () => {
    assert.deepEqual(parse('1.1 [0 a:1] "mset" "a" "1" "b" "2"'), { command: 'mset', keys: ['a', 'b'] })
    assert.deepEqual(parse('1.1 [0 a:1] "del" "a" "b"'), { command: 'del', keys: ['a', 'b'] })
    assert.deepEqual(parse('1.1 [0 a:1] "ping"'), { command: 'ping', keys: [] })
  })

  it('of a script call is left out: its commands have lines of their own', () => {
    assert.equal(parse('1.1 [0 a:1] "EVALSHA" "f00" "1" "k"'), undefined)
  })

  it('tells commands that name no key from those whose keys are left out', () => {
    const lines = [
      '1.1 [0 a:1] "ping"',
      '1.1 [0 a:1] "EVAL" "return 1" "0" "x"',
      '1.1 [0 a:1] "get" "k"',
      '1.1 [3 a:1] "get" "k"',
      '1.1 [3 a:1] "del" "k" "l"',
    ]
    const found = read(Buffer.from(`${lines.join('\n')}\n`))
    assert.deepEqual(
      found.map(({ command, isKeyless = false }) => [command, isKeyless]),
      [
        ['ping', true],
        ['eval', true],
        ['get', false],
        ['get', false],
        ['del', false],
      ],
    )
  })

  it('that is cut off or no command at all is survived', () => {
    for (const text of [
      '',
      'OK',
      '1.1 [0 a:1]',
      '1.1 [0 a:1] "',
      '1.1 [0 a:1] "get" "k',
      '1.1 [0 a:1] "get" "k\\',
    ])
      assert.ok(parse(text) === undefined || parse(text)?.keys.length === 0, text)
  })

  it('gives back the very bytes of the key, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), fc.uint8Array({ maxLength: 30 }), (key, value) => {
        const line = Buffer.from(`+1.1 [0 127.0.0.1:1] "SET" ${repr(key)} ${repr(value)}\r\n`)
        assert.deepEqual(read(line)[0]?.keys, [Buffer.from(key).toString('latin1')])
      }),
    )
  })

  it('reads the same however the stream is cut', () => {
    const bytes = Buffer.from(
      '+OK\r\n+1700000000.123456 [0 a:1] "get" "k\\"1"\r\n+1.1 [0 [::1]:5] "mset" "a" "1" "b" "2"\r\n+RESET\r\n',
    )
    const whole = read(bytes)
    assert.deepEqual(
      whole.map(({ keys, client }) => ({ keys, client })),
      [
        { keys: ['k"1'], client: 'a:1' },
        { keys: ['a', 'b'], client: '[::1]:5' },
      ],
    )
    for (let size = 1; size < bytes.length; size++) assert.deepEqual(read(bytes, size), whole)
  })

  it('of another database counts without its keys', () => {
    const bytes = Buffer.from('+1.1 [3 b:1] "get" "a"\r\n')
    assert.deepEqual(read(bytes), [{ command: 'get', keys: [], bytes: 9, client: 'b:1' }])
    assert.deepEqual(read(bytes, 5, 3)[0]?.keys, ['a'])
  })

  it('may have any word in place of a command: of so many only some are kept', () => {
    let lookUps = 0
    const seen: string[] = []
    const stream = new MonitorStream({
      positions: {
        ...positions,
        command: (word) => {
          lookUps += 1
          return positions.command(word)
        },
      },
      database: 0,
      onCommand: ({ command }) => seen.push(command),
    })
    const words = ['get', ...Array.from({ length: 5_000 }, (_, index) => `WORD${index}`), 'set']
    const log = Buffer.from(words.map((word) => `1.1 [0 a:1] "${word}" "k"\n`).join(''))
    stream.feed(log)
    assert.equal(lookUps, words.length)
    stream.feed(log)
    const again = lookUps - words.length
    assert.ok(again < words.length && again >= words.length - 1_024, `${again} of ${words.length}`)
    assert.deepEqual(
      seen,
      [...words, ...words].map((word) => word.toLowerCase()),
    )
  })

  it('never panics on arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        read(Buffer.from(bytes), 7)
      }),
    )
  })
})

describe('key positions', () => {
  const keysOf = (...args: string[]) =>
    positions.of(args[0]!, args.length, (index) => Buffer.from(args[index]!)).map((index) => args[index])

  it('follow STREAMS and counts where the table can not say', () => {
    assert.deepEqual(keysOf('xread', 'COUNT', '2', 'STREAMS', 'a', 'b', '0', '0'), ['a', 'b'])
    assert.deepEqual(keysOf('xreadgroup', 'GROUP', 'g', 'c', 'streams', 'a', '>'), ['a'])
    assert.deepEqual(keysOf('zunionstore', 'd', '2', 'a', 'b', 'WEIGHTS', '1', '2'), ['d', 'a', 'b'])
    assert.deepEqual(keysOf('sintercard', '2', 'a', 'b', 'LIMIT', '1'), ['a', 'b'])
    assert.deepEqual(keysOf('blmpop', '0', '1', 'a', 'LEFT'), ['a'])
  })

  it('are none for nonsense', () => {
    assert.deepEqual(keysOf('zunion', 'many', 'a'), [])
    assert.deepEqual(keysOf('xread', 'COUNT', '2'), [])
    assert.deepEqual(keysOf('unknown', 'a'), [])
  })
})
