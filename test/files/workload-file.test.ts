import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CachectlError } from '../../src/errors.js'
import { loadWorkload, parseWorkload, resolveWorkload } from '../../src/files/workload-file.js'
import { knownFields } from '../../src/files/workload-schema.js'
import { builtInNames } from '../../src/workload/operations.js'
import { loadPreset, presetNames } from '../../src/workload/presets/load-preset.js'
import { root } from '../support/cli.js'

async function problems(text: string): Promise<string[]> {
  try {
    await parseWorkload(text, 'f.yaml')
  } catch (error) {
    assert.ok(error instanceof CachectlError)
    assert.equal(error.exitCode, 2)
    return error.message.split('\n')
  }
  return []
}

describe('workload files', () => {
  it('that we ship all load', async () => {
    const files = await readdir(join(root, 'workloads'))
    assert.deepEqual(files.sort(), ['custom-commands.yaml', 'web-shop.yaml'])
    for (const file of files) {
      const workload = await loadWorkload(join(root, 'workloads', file))
      assert.equal(`${workload.name}.yaml`, file)
    }
  })

  it('say phases, TTLs with jitter, gates and a source', async () => {
    const shop = await loadWorkload(join(root, 'workloads/web-shop.yaml'))
    assert.deepEqual(
      shop.phases.map(({ name, durationMs, rate, hotShift }) => [name, durationMs, rate.kind, hotShift]),
      [
        ['calm', 10_000, 'open', 0],
        ['rush', 20_000, 'open', 0],
        ['sale', 10_000, 'open', 0.25],
      ],
    )
    assert.deepEqual(shop.ttl, {
      parts: [
        { seconds: 300, weight: 0.7 },
        { seconds: 3600, weight: 0.3 },
      ],
      jitter: 0.1,
    })
    assert.deepEqual(shop.warmup, { kind: 'detect', maxMs: 30_000 })
    assert.deepEqual(shop.operations[1], {
      name: 'mget',
      kind: 'read-many',
      weight: 6,
      keyspace: '',
      keyCount: { min: 5, max: 20, consecutive: false },
    })
    assert.equal(shop.source?.capacity, 50)
    assert.equal(shop.source?.latencyMs.kind, 'lognormal')
    assert.equal(shop.gates.length, 3)
  })

  it('say commands, pipelines and Lua', async () => {
    const { operations, phases, warmup } = await loadWorkload(join(root, 'workloads/custom-commands.yaml'))
    assert.deepEqual(
      operations.map(({ name, kind, keyspace, commands }) => [name, kind, keyspace, commands?.length]),
      [
        ['get', 'read', '', undefined],
        ['score', 'command', 'z:', 1],
        ['top-ten', 'command', 'z:', 1],
        ['visit', 'command', 'l:', 3],
        ['rate-limit', 'command', 'limit:', 1],
      ],
    )
    const [script] = operations[4]?.commands ?? []
    assert.deepEqual(
      script?.map((argument) => (argument.kind === 'text' ? argument.text : argument.kind)),
      ['EVALSHA', 'script', '1', 'key', 'integer', '1000', '60'],
    )
    assert.ok(script?.[1]?.kind === 'script' && script[1].text.startsWith('local used'))
    assert.deepEqual(phases, [{ name: 'measure', durationMs: 10_000, rate: { kind: 'max' }, hotShift: 0 }])
    assert.deepEqual(warmup, { kind: 'time', ms: 5_000 })
  })

  it('are described: the example loads, and no field, operation or preset is left out', async () => {
    const text = await readFile(join(root, 'docs/workloads.md'), 'utf8')
    const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(text) ?? []
    const workload = await parseWorkload(example, 'docs/workloads.md')
    assert.equal(workload.name, 'sessions')
    assert.equal(workload.phases.length, 2)
    const words = new Set(text.match(/[A-Za-z-]+/g))
    const fields = Object.values(knownFields).flat()
    for (const word of [...fields, ...builtInNames])
      assert.ok(words.has(word), `docs/workloads.md: no ${word}`)
    const rows = presetNames
      .filter((name) => name.startsWith('twitter:'))
      .map((name) => `| ${name.slice(15)} |`)
    for (const row of rows) assert.ok(text.includes(`\n${row}`), `docs/workloads.md: no row ${row}`)
  })

  it('may say next to nothing', async () => {
    const workload = await parseWorkload('fill: false\n', 'some/where.yaml')
    assert.equal(workload.name, 'where')
    assert.equal(workload.fill, false)
    assert.equal(workload.keys.count, 100_000)
    assert.deepEqual(workload.values, { kind: 'fixed', value: 100 })
    assert.deepEqual(
      workload.operations.map(({ name, weight }) => [name, weight]),
      [
        ['get', 90],
        ['set', 10],
      ],
    )
  })

  it('build on a preset, and say what they changed', async () => {
    const preset = loadPreset('twitter:cluster24')
    const text = 'preset: twitter:cluster24\nname: mine\nkeys: {count: 7}\nttl: {jitter: 0.2}\nfill: false\n'
    const workload = await parseWorkload(text, 'f.yaml')
    const citation = `${preset.citation} Changed by the file: keys, ttl.`
    const keys = { ...preset.keys, count: 7 }
    assert.deepEqual(workload, {
      ...preset,
      name: 'mine',
      citation,
      keys,
      ttl: { ...preset.ttl, jitter: 0.2 },
      fill: false,
    })
  })

  it('take how often each key is asked for from a trace beside them', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cachectl-workload-'))
    try {
      const keys = [...'aaaaaa', ...'bbb', ...'ccc', 'd', 'e', 'f', 'g']
      await writeFile(join(directory, 'day.csv'), `key,op\n${keys.map((key) => `${key},get`).join('\n')}\n`)
      const path = join(directory, 'w.yaml')
      await writeFile(path, 'distribution: {trace: day.csv}\n')
      const distribution = {
        kind: 'histogram',
        name: 'trace:day.csv',
        keyCounts: [1, 2, 4],
        weights: [6, 6, 4],
      }
      const workload = await loadWorkload(path)
      assert.deepEqual([workload.distribution, workload.keys.count], [distribution, 7])
      await writeFile(path, 'distribution: {trace: day.csv}\nkeys: {count: 70}\n')
      assert.equal((await loadWorkload(path)).keys.count, 70)
      await writeFile(path, 'distribution: {trace: night.csv}\n')
      await assert.rejects(loadWorkload(path), { exitCode: 2, message: /w\.yaml:1:\d+ .*night\.csv/ })
      await writeFile(path, 'distribution: {trce: day.csv}\n')
      await assert.rejects(loadWorkload(path), { exitCode: 2, message: /expected trace\?/ })
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('name files that stand beside them', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cachectl-workload-'))
    try {
      await writeFile(join(directory, 'sizes.csv'), 'from,to,weight\n# small\n1,9,3\n10,99,1.5\n')
      await writeFile(join(directory, 'touch.lua'), 'return 1')
      const path = join(directory, 'w.yaml')
      const operation = '{name: touch, weight: 1, luaFile: touch.lua, args: "{value}"}'
      await writeFile(path, `values: {histogram: sizes.csv}\noperations: [${operation}]\n`)
      const workload = await loadWorkload(path)
      assert.deepEqual(workload.values, { kind: 'histogram', from: [1, 10], to: [9, 99], weights: [3, 1.5] })
      assert.deepEqual(workload.operations[0]?.commands?.[0]?.[1], { kind: 'script', text: 'return 1' })

      for (const [csv, expected] of [
        ['1,2\n', /sizes\.csv:1: 1,2, expected from,to,weight/],
        ['1,9,1\n9,20,1\n', /sizes\.csv:2: 9,20,1, expected a range above/],
        ['9,1,1\n', /from at or below to/],
        ['1,9,0\n', /a weight above 0/],
        ['1,999999999,1\n', /up to 512 MiB/],
        ['', /no ranges in it/],
      ] as const) {
        await writeFile(join(directory, 'sizes.csv'), csv)
        await assert.rejects(loadWorkload(path), { exitCode: 2, message: expected })
      }
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  const command = (body: string) => `operations:\n  - name: x\n    weight: 1\n    ${body}\n`
  const mistakes: [name: string, text: string, expected: RegExp[]][] = [
    ['an unknown field', 'vlaues: 1\n', [/^f\.yaml:1:1 vlaues: unknown field, expected values\?$/]],
    [
      'an unknown field of a phase',
      'phases:\n  - name: a\n    durration: 1s\n',
      [/^f\.yaml:3:5 phases\.0\.durration: .*duration\?/],
    ],
    ['an unknown field of an operation', command('comand: GET {key}'), [/^f\.yaml:4:5 .*expected command\?/]],
    [
      'a map where a text belongs',
      'distribution: {zipf: 1}\n',
      [
        /^f\.yaml:1:15 distribution\.trace: missing/,
        /^f\.yaml:1:16 distribution\.zipf: unknown field, expected one of trace/,
      ],
    ],
    ['a distribution', 'distribution: zpif:1\n', [/^f\.yaml:1:15 distribution: .*expected/]],
    ['a size', 'keys:\n  bytes: big\n', [/^f\.yaml:2:10 keys\.bytes: .*expected/]],
    ['a TTL', 'ttl:\n  mix: soon\n', [/^f\.yaml:2:8 ttl\.mix: .*expected/]],
    ['a jitter', 'ttl: {jitter: 1}\n', [/^f\.yaml:1:15 ttl\.jitter: 1, expected a number from 0 to below 1/]],
    ['a warm-up', 'warmup: auto:0s\n', [/^f\.yaml:1:9 warmup: .*above 0/]],
    ['a rate', 'phases:\n  - name: a\n    rate: fast\n', [/^f\.yaml:3:11 phases\.0\.rate: .*expected/]],
    [
      'arrivals without a rate',
      'phases:\n  - name: a\n    arrivals: poisson\n',
      [/^f\.yaml:3:15 .*rate other than max/],
    ],
    ['a phase without a name', 'phases:\n  - rate: 5\n', [/^f\.yaml:2:5 phases\.0\.name: missing/]],
    [
      'a phase twice',
      'phases:\n  - name: a\n  - name: a\n',
      [/^f\.yaml:3:11 phases\.1\.name: a stands there twice/],
    ],
    ['a phase of no time', 'phases:\n  - name: a\n    duration: 0s\n', [/^f\.yaml:3:15 .*above 0/]],
    [
      'an operation',
      'operations:\n  gte: 1\n',
      [/^f\.yaml:2:8 operations\.gte: operation gte: expected get\?/],
    ],
    ['a weight', 'operations:\n  get: 0\n', [/^f\.yaml:2:8 operations\.get: .*above 0/]],
    ['no operations', 'operations: {}\n', [/^f\.yaml:1:13 operations: expected at least one operation/]],
    [
      'an operation without a command',
      command('args: "1"'),
      [/operations\.0\.args: expected lua or luaFile/],
    ],
    [
      'an operation of an unknown name',
      'operations: [{name: x, weight: 1}]\n',
      [/operations\.0\.name: operation x: expected one of/],
    ],
    [
      'a name with a meaning',
      'operations: [{name: fill, weight: 1, command: "GET {key}"}]\n',
      [/operations\.0\.name: fill has a meaning/],
    ],
    [
      'two bodies',
      command('command: GET {key}\n    lua: return 1'),
      [/^f\.yaml:5:10 operations\.0\.lua: command is given too/],
    ],
    [
      'a Lua file that is not there',
      command('luaFile: nowhere.lua'),
      [/^f\.yaml:4:14 operations\.0\.luaFile: file nowhere\.lua: .*ENOENT/],
    ],
    [
      'an operation twice',
      'operations: [{name: get, weight: 1}, {name: get, weight: 1}]\n',
      [/^f\.yaml:1:13 operations: mix: get stands there twice/],
    ],
    ['a source without a latency', 'source: {capacity: 1}\n', [/source\.latency: missing/]],
    ['a preset', 'preset: ycsb:z\n', [/^f\.yaml:1:9 preset: .*did you mean ycsb:a\?/]],
    ['a preset without figures', 'preset: twitter:cluster5\n', [/the source gives no key size/]],
    ['a list', '- get\n', [/^f\.yaml:1:1 a list, expected a map of fields$/]],
    ['a list of keys', 'keys: []\n', [/^f\.yaml:1:7 keys: .*expected a map of fields$/]],
    ['a text as a phase', 'phases: [calm]\n', [/^f\.yaml:1:10 phases\.0: .*expected a map of fields$/]],
    ['nothing at all', '', [/expected/i]],
  ]
  for (const [name, text, expected] of mistakes) {
    it(`refuse ${name}`, async () => {
      const found = await problems(text)
      assert.equal(found.length, expected.length, found.join('\n'))
      for (const [index, pattern] of expected.entries()) assert.match(found[index]!, pattern)
    })
  }

  it('refuse a command with a caret, and every mistake at once', async () => {
    const found = await problems(`${command('pipeline: [GET user]')}gates: [p99<2]\nfill: maybe\n`)
    assert.match(found.join('\n'), /f\.yaml:5:9 gates\.0: gate: expected a unit/)
    assert.match(found.join('\n'), /f\.yaml:6:7 fill: "maybe", expected true or false/)
    const later = await problems(command('pipeline: [GET user]'))
    assert.deepEqual(later, [
      'f.yaml:4:16 operations.0.pipeline.0: command: expected {key}: it says which node the command goes to',
      '  GET user',
      '          ^',
    ])
  })
})

describe('a workload by its name', () => {
  it('is a preset or a file', async () => {
    assert.equal((await resolveWorkload('ycsb:b')).name, 'ycsb:b')
    assert.equal((await resolveWorkload(join(root, 'workloads/web-shop.yaml'))).name, 'web-shop')
  })

  for (const [text, message] of [
    ['ycbs:b', /did you mean ycsb:b\?/],
    ['ycsb-b', /no preset and no file of this name, did you mean ycsb:b\?/],
    ['frobnicate', /no preset and no file of this name$/],
    ['nowhere/shop.yaml', /workload nowhere\/shop\.yaml: .*ENOENT/],
  ] as const)
    it(`refuses ${text}`, () => assert.rejects(resolveWorkload(text), { exitCode: 2, message }))
})
