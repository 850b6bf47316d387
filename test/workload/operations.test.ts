import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseCommandTemplate, parseScriptArguments } from '../../src/workload/command-template.js'
import {
  builtIn,
  builtInNames,
  keyspaceOf,
  operationNameProblem,
  parseMix,
} from '../../src/workload/operations.js'

describe('command templates', () => {
  it('are words and placeholders', () => {
    assert.deepEqual(parseCommandTemplate('  ZADD {key} {int:-5..100}  {value} {ttl} '), [
      { kind: 'text', text: 'ZADD' },
      { kind: 'key' },
      { kind: 'integer', min: -5, max: 100 },
      { kind: 'value' },
      { kind: 'ttl' },
    ])
  })

  it('take quoted words as they are', () => {
    assert.deepEqual(parseCommandTemplate(String.raw`SET {key} "a \"{value}\"\n" 'it\' ''`).slice(2), [
      { kind: 'text', text: 'a "{value}"\n' },
      { kind: 'text', text: 'it\\' },
      { kind: 'text', text: '' },
    ])
  })

  it('keep any words that are quoted', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).filter((word) => !/[\\"]/.test(word))),
        (words) => {
          const line = `PING {key} ${words.map((word) => `"${word}"`).join(' ')}`
          assert.deepEqual(
            parseCommandTemplate(line).slice(2),
            words.map((text) => ({ kind: 'text', text })),
          )
        },
      ),
    )
  })

  const mistakes: [text: string, caretAt: number, message: RegExp][] = [
    ['', 0, /expected a command/],
    ['GET user', 8, /expected \{key\}/],
    ['MGET {key} {key}', 11, /a second \{key\}/],
    ['SET {key} {vlaue}', 10, /expected \{value\}\?/],
    ['SET {key} {zzz}', 10, /expected one of \{key\}, /],
    ['GET user:{key}', 9, /part of a word/],
    ['{key} GET', 0, /the command's name first/],
    ['EXPIRE {key} {int:5}', 13, /expected \{int:LO\.\.HI\}/],
    ['EXPIRE {key} {int:5..1}', 13, /above the second/],
    ['EXPIRE {key} {int:0..4294967296}', 13, /4,294,967,296 numbers/],
    ['SET {key} "open', 10, /not closed/],
    ['SET {key} "a"b', 13, /a space after/],
    ['SET {key} a"b', 11, /a quote inside/],
    ['SET {key} "\\x"', 11, /expected \\" /],
    ['blpop {key} 0', 0, /no load can be made/],
    ['XREAD BLOCK 0 STREAMS {key} $', 0, /no load can be made/],
  ]
  for (const [text, caretAt, message] of mistakes) {
    it(`refuse ${text || 'nothing'}`, () => {
      assert.throws(
        () => parseCommandTemplate(text),
        (error: Error & { exitCode?: number }) => {
          assert.equal(error.exitCode, 2)
          const [what = '', , caret = ''] = error.message.split('\n')
          assert.match(what, message)
          // a backslash is shown as two
          assert.equal(caret.length - 3, caretAt, error.message)
          return true
        },
      )
    })
  }

  it('of a script have no key of their own', () => {
    assert.deepEqual(parseScriptArguments('{value} 5'), [{ kind: 'value' }, { kind: 'text', text: '5' }])
    assert.throws(() => parseScriptArguments('5 {key}'), /KEYS\[1\]/)
  })
})

describe('operations', () => {
  it('have names of their own', () => {
    for (const name of builtInNames) {
      const spec = builtIn(name, 2)
      assert.equal(spec.weight, 2)
      assert.equal(operationNameProblem(spec.name), undefined)
      for (const command of spec.commands ?? [])
        assert.equal(command.filter(({ kind }) => kind === 'key').length, 1)
    }
    assert.equal(builtIn('lpush', 1).commands?.length, 2)
  })

  it('stand in a mix with their weights', () => {
    const mix = parseMix('get:90, set:9.5,mget:2..20:1,scan:5:.5,incr:1')
    assert.deepEqual(
      mix.map(({ name, kind, weight, keyspace }) => [name, kind, weight, keyspace]),
      [
        ['get', 'read', 90, ''],
        ['set', 'write', 9.5, ''],
        ['mget', 'read-many', 1, ''],
        ['scan', 'read-many', 0.5, ''],
        ['incr', 'command', 1, 'n:'],
      ],
    )
    assert.deepEqual(mix[2]?.keyCount, { min: 2, max: 20, consecutive: false })
    assert.deepEqual(mix[3]?.keyCount, { min: 5, max: 5, consecutive: true })
  })

  const mistakes: [text: string, message: RegExp][] = [
    ['', /expected NAME:WEIGHT, .*not nothing/],
    ['get', /expected NAME:WEIGHT/],
    ['gte', /expected get\?/],
    ['gte:1', /mix: operation gte: expected get\?/],
    ['frobnicate:1', /expected one of get, set/],
    ['get:90,set:0', /weight 0, expected a number above 0/],
    ['get:-1', /expected NAME:WEIGHT/],
    ['get:1,get:2', /get stands there twice/],
    ['get:5:1', /expected get alone/],
    ['mget:0:1', /keys a request/],
    ['mget:9..2:1', /keys a request/],
    ['mget:1..5000:1', /at most 1000/],
    ['toString:1', /expected one of/],
  ]
  for (const [text, message] of mistakes)
    it(`refuse ${text || 'nothing'}`, () => assert.throws(() => parseMix(text), { exitCode: 2, message }))

  it('keep types of values apart', () => {
    const names = [
      'HGETALL',
      'lrange',
      'RPOP',
      'ZRANGE',
      'SADD',
      'DECRBY',
      'XADD',
      'GEOADD',
      'PFADD',
      'SET',
      'STRLEN',
      'LCS',
    ]
    assert.deepEqual(names.map(keyspaceOf), [
      'h:',
      'l:',
      'l:',
      'z:',
      's:',
      'n:',
      'x:',
      'g:',
      'p:',
      '',
      '',
      '',
    ])
  })
})
