import assert from 'node:assert/strict'
import { CachectlError } from '../../src/errors.js'
import { chooseSource, describeChoice, type SourceWish } from '../../src/hotkeys/choose-source.js'
import type { NodeFacts } from '../../src/hotkeys/node-facts.js'

const redis7: NodeFacts = {
  ...{ node: 'n1', server: 'redis', version: '7.0.15', opsPerSec: 50_000, bytesPerCommand: 60 },
  ...{ busyShare: 0.3, largestInputBytes: 20_480, maxmemoryPolicy: 'allkeys-lru' },
  missingRights: new Set<string>(),
}
const auto: SourceWish = {
  ...{ source: 'auto', budget: 0.01, maxTimeMs: 20_000, force: false },
  ...{ allowSlowlogLoss: false, allowConfig: false, nativeState: { kind: 'none' } },
}
const facts = (more: Partial<NodeFacts>): NodeFacts => ({ ...redis7, ...more })
const wish = (more: Partial<SourceWish>): SourceWish => ({ ...auto, ...more })

function refusalOf(run: () => unknown): { message: string; remedy: string } {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof CachectlError)
    assert.equal(error.exitCode, 5)
    return { message: error.message, remedy: error.remedy ?? '' }
  }
  assert.fail('nothing was refused')
}

describe('the choice of a source', () => {
  it('is MONITOR on an ordinary Redis 7, and says why nothing better is', () => {
    const choice = chooseSource(redis7, auto)
    assert.equal(describeChoice(choice), 'counted bursts; not native: server is Redis 7.0.15 (needs 8.6)')
  })

  it('is the detection of the server where it has one that nobody uses', () => {
    const redis8 = facts({ version: '8.6.0' })
    const free = wish({ nativeState: { kind: 'redis', session: 'free' } })
    assert.equal(chooseSource(redis8, free).source, 'native')
    for (const session of ['active', 'finished'] as const) {
      const choice = chooseSource(redis8, wish({ nativeState: { kind: 'redis', session } }))
      assert.equal(choice.source, 'monitor')
      assert.match(choice.refusedOthers[0]!.why, session === 'active' ? /somebody else/ : /are held there/)
    }
  })

  it('does not switch a Valkey’s detection on unasked', () => {
    const valkey = facts({ server: 'valkey', version: '9.2.0' })
    const state = (topK: number | undefined) => ({ nativeState: { kind: 'valkey', topK } }) as const
    assert.equal(chooseSource(valkey, wish(state(512))).source, 'native')
    assert.equal(chooseSource(valkey, wish(state(0))).source, 'monitor')
    assert.equal(chooseSource(valkey, wish(state(undefined))).source, 'monitor')
    assert.equal(chooseSource(valkey, wish({ ...state(0), allowConfig: true })).source, 'native')
    const noConfig = { ...valkey, missingRights: new Set(['+config|set']) }
    assert.equal(chooseSource(noConfig, wish({ ...state(0), allowConfig: true })).source, 'monitor')
  })

  it('steps down where commands are too large to monitor', () => {
    const large = facts({ bytesPerCommand: 10_000 })
    const choice = chooseSource(large, auto)
    assert.equal(choice.source, 'tracking')
    assert.deepEqual(
      choice.refusedOthers.map(({ source }) => source),
      ['native', 'monitor', 'slowlog'],
    )
    assert.match(choice.refusedOthers[1]!.why, /the budget buys 398 samples \(needs 5,000\)/)
    assert.equal(chooseSource(large, wish({ allowSlowlogLoss: true })).source, 'slowlog')
    assert.equal(chooseSource(large, wish({ force: true })).source, 'monitor')
    // cheaper lines, so the same commands are no hindrance there
    const valkey = facts({ server: 'valkey', version: '8.1.0', bytesPerCommand: 2_000 })
    assert.equal(chooseSource(valkey, auto).source, 'monitor')
    assert.equal(chooseSource(facts({ bytesPerCommand: 2_000 }), auto).source, 'tracking')
  })

  it('steps down where one huge command came lately, though most are small', () => {
    const choice = chooseSource(facts({ largestInputBytes: 1_048_576 }), auto)
    assert.equal(choice.source, 'tracking')
    assert.match(choice.refusedOthers[1]!.why, /1024 KiB at once/)
    assert.equal(chooseSource(facts({ largestInputBytes: undefined }), auto).source, 'monitor')
  })

  it('takes no invalidations where nobody could end them', () => {
    const narrow = facts({ missingRights: new Set(['+monitor', '+client|kill']) })
    assert.match(
      refusalOf(() => chooseSource(narrow, wish({ source: 'tracking' }))).message,
      /lacks \+client\|kill/,
    )
  })

  it('ends at the popularity counters', () => {
    const narrow = facts({
      missingRights: new Set(['+monitor', '+client|tracking']),
      maxmemoryPolicy: 'allkeys-lfu',
    })
    const choice = chooseSource(narrow, auto)
    assert.equal(choice.source, 'lfu')
    assert.match(choice.reason, /popularity, not rate/)
  })

  it('refuses with each reason and remedy when nothing works', () => {
    const nothing = facts({ missingRights: new Set(['+monitor', '+hello']) })
    const { message, remedy } = refusalOf(() => chooseSource(nothing, auto))
    for (const part of [
      /native: server is/,
      /monitor: the user lacks \+monitor/,
      /slowlog: /,
      /lfu: maxmemory/,
    ])
      assert.match(message, part)
    assert.match(remedy, /ACL SETUSER … \+monitor/)
    assert.match(remedy, /--allow-slowlog-loss/)
  })

  it('refuses a source that was asked for and can’t work, and takes it where it can', () => {
    const ask = (source: SourceWish['source'], more: Partial<NodeFacts> = {}) =>
      refusalOf(() => chooseSource(facts(more), wish({ source })))
    assert.match(ask('native').message, /node n1: --source native: server is Redis 7.0.15/)
    assert.match(ask('lfu').message, /maxmemory-policy is allkeys-lru/)
    assert.match(ask('slowlog').remedy, /--allow-slowlog-loss/)
    assert.match(ask('tracking', { version: '5.0.14' }).message, /needs 6.0/)
    assert.match(ask('monitor', { bytesPerCommand: 10_000 }).remedy, /--force/)
    assert.equal(chooseSource(redis7, wish({ source: 'tracking' })).source, 'tracking')
  })

  it('prints a server’s version and policy as harmless text', () => {
    const choice = chooseSource(facts({ version: '7.0\x1b[31m' }), auto)
    assert.ok(!describeChoice(choice).includes('\x1b'))
  })
})
