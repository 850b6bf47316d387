import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createKeyPositions } from '../../src/hotkeys/key-positions.js'
import { type CommandAccess, parseRequests } from '../../src/hotkeys/monitored-requests.js'

const shapes: [name: string, first: number, last: number, step: number][] = [
  ...['get', 'set', 'setex', 'psetex', 'setnx', 'getset', 'getex', 'getdel', 'append'].map(
    (name): [string, number, number, number] => [name, 1, 1, 1],
  ),
  ...['incrby', 'expire', 'ttl', 'hset', 'watch', 'restore'].map((name): [string, number, number, number] => [
    name,
    1,
    1,
    1,
  ]),
  ...['mget', 'del', 'unlink', 'sunion'].map((name): [string, number, number, number] => [name, 1, -1, 1]),
  ['mset', 1, -1, 2],
  ['auth', 0, 0, 0],
]
const reads = new Set(['get', 'mget', 'ttl', 'sunion'])
const neither = new Set(['watch', 'auth'])
const commands: CommandAccess = {
  positions: createKeyPositions(shapes.map(([name, first, last, step]) => ({ name, first, last, step }))),
  accessOf: (command) => (reads.has(command) ? 'read' : neither.has(command) ? 'other' : 'write'),
}

const client = '+1700000000.250000 [0 10.0.0.1:5000]'
const parse = (line: string) => parseRequests(Buffer.from(line, 'latin1'), commands)

/** `op key valueBytes ttl`, one a request. */
function requestsOf(command: string): string[] {
  return (parse(`${client} ${command}`)?.requests ?? []).map(
    ({ op, key, valueBytes, ttlSeconds }) => `${op} ${key.toString('latin1')} ${valueBytes} ${ttlSeconds}`,
  )
}

describe('requests in MONITOR lines', () => {
  it('say when, where and who', () => {
    assert.deepEqual(parse(`${client} "GET" "k"`), {
      atMicros: 1_700_000_000_250_000,
      database: 0,
      client: '10.0.0.1:5000',
      requests: [{ op: 'get', key: Buffer.from('k'), valueBytes: 0, ttlSeconds: 0 }],
    })
    assert.equal(parse('1700000000.000001 [15 [::1]:49658] "GET" "k"')?.client, '[::1]:49658')
    assert.equal(parse('1700000000.000001 [3 unix:/a b] "GET" "k"')?.client, 'unix:/a b')
    assert.equal(parse('1700000000.000001 [3 lua] "GET" "k"')?.database, 3)
    assert.deepEqual([parse('+OK'), parse(''), parse('1.0 [0 x]')], [undefined, undefined, undefined])
  })

  const cases: [command: string, expected: string[]][] = [
    ['"SET" "k" "0123456789"', ['set k 10 0']],
    ['"set" "k" "a\\x00\\n\\\\\\"b" "EX" "60"', ['set k 6 60']],
    ['"SET" "k" "EX" "NX" "px" "1500"', ['set k 2 2']],
    ['"SET" "k" "v" "PXAT" "1700000060250"', ['set k 1 60']],
    ['"SET" "k" "v" "EXAT" "1"', ['set k 1 1']],
    ['"SET" "k" "v" "KEEPTTL" "GET"', ['set k 1 0']],
    ['"SETEX" "k" "60" "val"', ['set k 3 60']],
    ['"PSETEX" "k" "1" "val"', ['set k 3 1']],
    ['"SETNX" "k" "val"', ['add k 3 0']],
    ['"GETSET" "k" "val"', ['set k 3 0']],
    ['"GETEX" "k" "EX" "5"', ['get k 0 0']],
    ['"MGET" "a" "b,c"', ['get a 0 0', 'get b,c 0 0']],
    ['"MSET" "a" "1" "b" "22"', ['set a 1 0', 'set b 2 0']],
    ['"DEL" "a" "b"', ['delete a 0 0', 'delete b 0 0']],
    ['"INCRBY" "n" "5"', ['incr n 8 0']],
    ['"APPEND" "k" "xy"', ['append k 2 0']],
    ['"HSET" "h" "field" "value"', ['set h 10 0']],
    ['"SUNION" "a" "b"', ['get a 0 0']],
    ['"EXPIRE" "k" "10"', ['get k 0 0']],
    ['"WATCH" "k"', []],
    ['"RESTORE" "k" "0" "payload"', []],
    ['"EVAL" "return redis.call(\'get\', KEYS[1])" "1" "k"', []],
    ['"AUTH" "user" "secret"', []],
    ['"SETEX" "k" "soon" "val"', ['set k 3 0']],
  ]
  for (const [command, expected] of cases) {
    it(`${command} is ${expected.join(' and ') || 'none'}`, () => {
      assert.deepEqual(requestsOf(command), expected)
    })
  }

  it('have the length of the value whatever its bytes, and survive any line', () => {
    const asLine = (bytes: Uint8Array) =>
      Array.from(bytes, (byte) =>
        byte >= 32 && byte < 127 && byte !== 34 && byte !== 92
          ? String.fromCharCode(byte)
          : byte === 10
            ? '\\n'
            : byte === 34
              ? '\\"'
              : `\\x${byte.toString(16).padStart(2, '0')}`,
      ).join('')
    fc.assert(
      fc.property(fc.uint8Array(), (value) => {
        assert.deepEqual(requestsOf(`"SET" "k" "${asLine(value)}" "EX" "7"`), [`set k ${value.length} 7`])
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        parseRequests(Buffer.concat([Buffer.from(`${client} "set`), bytes]), commands)
      }),
    )
  })
})
