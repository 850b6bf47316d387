import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  type NodeSample,
  parseReplication,
  prove,
  provedMs,
  type Replication,
} from '../../src/redis/replica-proof.js'

const upToDate: Replication = {
  ...{ role: 'slave', replId: 'r1', offset: 100, isLinkUp: true, isSyncing: false, isReadOnly: true },
}
const sample = (atMs: number, offset: number): NodeSample => ({
  ...{ atMs, offset, replId: 'r1', wallMs: 50_000 + atMs, sinceUs: '7' },
})
const at = (atMs: number, replication: Partial<Replication> = {}) => ({
  ...{ atMs, wallMs: 50_000 + atMs, replication: { ...upToDate, ...replication } },
})

describe('the proof that a replica is recent', () => {
  it('names the newest moment of whose offset the replica is not short', () => {
    const samples = [sample(0, 80), sample(200, 100), sample(400, 120)]
    assert.deepEqual(prove(samples, at(410)), { atMs: 200, sinceUs: '7', clockBehindMs: 0 })
    assert.deepEqual(prove(samples, at(410, { offset: 120 })), { atMs: 400, sinceUs: '7', clockBehindMs: 0 })
  })

  for (const [what, replication, why] of [
    ['a primary', { role: 'master' }, /no replica/],
    ['one that takes writes', { isReadOnly: false }, /writes of its own/],
    ['one whose link is down', { isLinkUp: false }, /link/],
    ['one that is copied anew', { isSyncing: true }, /link/],
    ['one of another history', { replId: 'r2' }, /another server/],
    ['one that is short of every offset', { offset: 79 }, /behind/],
  ] as const) {
    it(`is not given for ${what}`, () => {
      assert.match(String(prove([sample(0, 80), sample(200, 100)], at(210, replication))), why)
    })
  }

  it('is not given without a node that was asked in the last second', () => {
    assert.match(String(prove([], at(10))), /not asked/)
    assert.match(String(prove([sample(0, 80)], at(provedMs))), /behind/)
  })

  it('takes from the time that a key has left what the clock of the replica is behind', () => {
    const proof = prove([sample(0, 80)], { ...at(10), wallMs: 49_000 })
    assert.ok(typeof proof !== 'string' && proof.clockBehindMs === 1_010)
    const ahead = prove([sample(0, 80)], { ...at(10), wallMs: 51_000 })
    assert.ok(typeof ahead !== 'string' && ahead.clockBehindMs === 0)
  })

  it('never names a moment whose writes the replica may lack', () => {
    // a node whose stream grows, and a replica that has applied some of it
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.nat(50)), { minLength: 1, maxLength: 12 }),
        fc.nat(600),
        fc.nat(400),
        (steps, applied, laterMs) => {
          let [nowMs, offset] = [0, 0]
          const samples = steps.map(([ms, bytes]) => {
            nowMs += ms
            offset += bytes
            return sample(nowMs, offset)
          })
          const proof = prove(samples, at(nowMs + laterMs, { offset: applied }))
          const lacking = samples.find((each) => each.offset > applied)?.atMs ?? Number.POSITIVE_INFINITY
          if (typeof proof === 'string') return
          assert.ok(proof.atMs < lacking && nowMs + laterMs < proof.atMs + provedMs)
        },
      ),
    )
  })

  it('reads what servers say', () => {
    const replica = [
      ...[
        '# Replication',
        'role:slave',
        'master_host:h',
        'master_link_status:up',
        'master_sync_in_progress:0',
      ],
      ...['slave_read_repl_offset:30', 'slave_repl_offset:28', 'slave_read_only:1'],
      ...['master_replid:abc', 'master_replid2:0', 'master_repl_offset:99'],
    ].join('\r\n')
    assert.deepEqual(parseReplication(replica), { ...upToDate, replId: 'abc', offset: 28 })
    const node = 'role:master\r\nmaster_replid:abc\r\nmaster_repl_offset:0\r\n'
    assert.deepEqual(parseReplication(node).offset, 0)
    assert.deepEqual(parseReplication('').offset, -1)
  })
})
