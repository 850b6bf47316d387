import assert from 'node:assert/strict'
import { explore, type Kind, kinds, type Options, protocol } from './model.js'

/** All programs of so many operations for each client. */
function programs(a: number, b: number): [Kind[], Kind[]][] {
  const sequences = (length: number): Kind[][] =>
    length === 0 ? [[]] : sequences(length - 1).flatMap((start) => kinds.map((kind) => [...start, kind]))
  return sequences(a).flatMap((first) => sequences(b).map((second): [Kind[], Kind[]] => [first, second]))
}

function run(
  change: Partial<Options>,
  [a, b]: [number, number],
): { violation: string | undefined; states: number } {
  let states = 0
  for (const first of [null, 'i']) {
    for (const program of programs(a, b)) {
      // the clients are alike, unless one of them joins later
      if (a === b && !change.joiner && program[1].join() < program[0].join()) continue
      const result = explore({ ...protocol, ...change }, program, first)
      states += result.states
      if (result.violation)
        return { violation: `${result.violation}: ${JSON.stringify(program)} from ${first}`, states }
    }
  }
  return { violation: undefined, states }
}

// MODEL=full explores two operations of one client as well; it takes some minutes
const isFull = process.env.MODEL === 'full'

describe('the model of the protocol', function () {
  this.timeout(isFull ? 3_600_000 : 120_000)

  const holds: [name: string, change: Partial<Options>][] = [
    ['an operator killed at any step', { crashes: 1 }],
    ['a reply lost and its command late', { crashes: 0, lateReplies: 1 }],
    ['an operator killed and a reply lost', { crashes: 1, lateReplies: 1 }],
    ['a client that crashes', { crashes: 0, clientCrashes: 1 }],
    ['a client that joins at any time', { crashes: 0, joiner: true }],
    ['a stray at the target', { crashes: 1, stray: true }],
    ['a key that expires at any time', { crashes: 0, ttl: 'first' }],
    ['a change taken back, and made again', { crashes: 0, abort: true }],
    ['there and back again', { crashes: 0, lateReplies: 1, back: true }],
    ['SET at the target and UNLINK at the source, without expiry', { crashes: 1, write: 'setFast' }],
    ['MIGRATE, as long as no reply is lost', { crashes: 1, copy: 'migrate' }],
  ]
  for (const [name, change] of holds) {
    it(`holds with ${name}`, () => {
      const { violation, states } = run(change, isFull ? [2, 1] : [1, 1])
      assert.equal(violation, undefined)
      assert.ok(states > 1_000)
    })
  }

  const none = { crashes: 0 }
  const breaks: [name: string, change: Partial<Options>, length: [number, number]][] = [
    ['B1 MIGRATE, and a lost reply', { ...none, copy: 'migrate', lateReplies: 1 }, [2, 1]],
    ['B2 DUMP and RESTORE without WATCH', { ...none, copy: 'dump' }, [1, 1]],
    ['B3 no barrier', { ...none, barrier: false }, [1, 1]],
    ['B4 prepare without a gate', { ...none, prepare: 'open' }, [2, 1]],
    ['B5 no third read', { ...none, thirdRead: false }, [1, 1]],
    ['B6 writes at the target without MOVE', { ...none, write: 'target' }, [1, 1]],
    ['B7 commit before the source is empty', { ...none, commitWhenEmpty: false }, [1, 1]],
    ['B8 a fenced client that does not read the state again', { ...none, rereadAfterKill: false }, [1, 1]],
    [
      'B9 a client that reads the state before it registers',
      { ...none, joiner: true, registerFirst: false },
      [1, 1],
    ],
    ['B10 strays are not cleared', { ...none, stray: true, clearStrays: 'never' }, [1, 1]],
    [
      'B11 strays are cleared after prepare is published',
      { ...none, stray: true, clearStrays: 'late' },
      [1, 1],
    ],
    ['B12 RESTORE REPLACE', { ...none, copy: 'replace' }, [1, 1]],
    [
      'B13 acks with commands unresolved',
      { ...none, drain: false, killClears: false, lateReplies: 1 },
      [1, 1],
    ],
    [
      'B14 an operator whose late commands are not fenced, there and back',
      { ...none, fenceOperator: false, back: true, lateReplies: 1 },
      [1, 1],
    ],
    [
      'B15 SET at the target with expiry, and a crash',
      { ...none, write: 'setFast', ttl: 'set', clientCrashes: 1 },
      [1, 1],
    ],
    ['B16 SET new then DEL old, DEL both', { ...none, write: 'both' }, [1, 1]],
    [
      'B17 the same with MIGRATE and a lost reply',
      { ...none, write: 'both', copy: 'migrate', lateReplies: 1 },
      [2, 1],
    ],
    ['B18 a write that is sent again', { ...none, retryUnknown: true, lateReplies: 1 }, [1, 1]],
    ['B19 SET new then DEL old with MIGRATE, no faults', { ...none, write: 'both', copy: 'migrate' }, [2, 1]],
    [
      'N1 no prepare, SET new then DEL old, MIGRATE',
      { ...none, prepare: 'none', write: 'both', copy: 'migrate' },
      [1, 1],
    ],
  ]
  for (const [name, change, length] of breaks) {
    it(`is broken by ${name}`, () => {
      const { violation } = run(change, length)
      assert.match(String(violation), /not linearizable|stuck/)
    })
  }
})
