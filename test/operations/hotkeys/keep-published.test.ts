import assert from 'node:assert/strict'
import { HotDemandReporter } from '../../../src/cache/hot-demand-reporter.js'
import type { ControlStore } from '../../../src/cache/ports.js'
import { unreachable } from '../../../src/errors.js'
import { demandPrefix } from '../../../src/hotkeys/hot-demand.js'
import { hotSetNotice } from '../../../src/hotkeys/hot-set.js'
import { parseHotSet } from '../../../src/hotkeys/parse-hot-set.js'
import {
  keepPublished,
  type PublishedChange,
  type SampledKey,
} from '../../../src/operations/hotkeys/keep-published.js'
import { changeHotSet, withLocal, withSplit } from '../../../src/operations/hotkeys/publish.js'
import { createMemoryStore } from '../../support/memory-meeting.js'
import { settle, VirtualTime } from '../../support/virtual-time.js'

const ringOps = 10_000

describe('keeping the hottest keys published', () => {
  let time: VirtualTime
  let notices: Map<string, string>
  let control: Pick<ControlStore, 'name' | 'notice' | 'putNotice' | 'replaceNotice'> & { isAway: boolean }
  let changes: PublishedChange[]
  let troubles: string[]
  beforeEach(() => {
    time = VirtualTime.install()
    notices = new Map()
    changes = []
    troubles = []
    control = {
      name: 'memory',
      isAway: false,
      notice: async (name) => {
        if (control.isAway) throw unreachable('control store memory: away')
        return notices.get(name)
      },
      putNotice: async (name, text) => {
        if (control.isAway) throw unreachable('control store memory: away')
        notices.set(name, text ?? '')
      },
      replaceNotice: async (name, expected, text) => {
        if (control.isAway) throw unreachable('control store memory: away')
        if (notices.get(name) !== expected) return false
        notices.set(name, text)
        return true
      },
    }
  })
  afterEach(() => time.uninstall())

  const board = () => ({ control, clock: time, by: 'auto' })
  const published = () => parseHotSet(notices.get(hotSetNotice) ?? '')
  const names = () => (published()?.local ?? []).map(({ key }) => key.toString('latin1'))
  const hot = (name: string, opsPerSec: number, commands: SampledKey['commands'] = { get: 1 }) => ({
    ...{ name, opsPerSec, opsPerSecLow: opsPerSec * 0.8, isCertain: true, commands },
  })

  /** One window after the other, each of 2 s; `between` runs before each. */
  async function play(
    windows: readonly (readonly SampledKey[])[],
    { meeting = createMemoryStore(), between = async (_: number) => {} } = {},
  ): Promise<void> {
    const stop = new AbortController()
    let at = 0
    const sampleWindow = async () => {
      await between(at)
      await time.sleep(2_000)
      const keys = windows[at++]
      if (!keys) stop.abort(new Error('over'))
      return { loads: new Map([['', ringOps]]), keys: keys ?? [] }
    }
    const running = keepPublished(
      { ring: 'test', threshold: 0.05, limit: 3, loadOf: () => '' },
      {
        ...{ sampleWindow, meeting: meeting.open(), board: board(), clock: time, signal: stop.signal },
        onChange: (change) => changes.push(change),
        onWindow: () => {},
        onTrouble: (text) => troubles.push(text),
      },
    )
    let isOver = false
    const ended = running.finally(() => {
      isOver = true
    })
    while (!isOver) {
      await settle()
      await time.pass(50)
    }
    await ended
  }
  const told = () => changes.map(({ kind, name }) => `${kind} ${name}`)

  it('publishes for 60 s, renews only when half is over, and takes its keys off at the end', async () => {
    const generations: number[] = []
    const left: number[] = []
    await play(Array(25).fill([hot('a', 2_000)]), {
      between: async () => {
        const set = published()
        if (!set) return
        generations.push(set.generation)
        left.push(set.local[0]!.untilMs - time.wallMs())
      },
    })
    assert.deepEqual(told(), ['entered a', 'withdrawn a'])
    assert.equal(new Set(generations).size, 2, 'one renewal in 50 s')
    assert.ok(Math.min(...left) > 25_000 && Math.max(...left) <= 60_000, String(left))
    assert.deepEqual(names(), [])
  })

  it('a key that is served from memory stays, though no server sees it any more', async () => {
    const meeting = createMemoryStore()
    let served = 0
    const reporter = new HotDemandReporter('web-1', 'test', {
      board: meeting.open(),
      clock: time,
      hits: () => {
        served += 2_000
        return new Map(names().map((name) => [name, served]))
      },
    })
    reporter.start()
    await play([[hot('a', 2_000)], ...Array(8).fill([])], { meeting })
    assert.deepEqual(told(), ['entered a', 'withdrawn a'])
    await reporter.stop()
    assert.equal((await meeting.open().list(demandPrefix('test'))).length, 0)
  })

  it('one that is read nowhere any more leaves after three windows', async () => {
    await play([[hot('a', 2_000)], [], [], [hot('a', 100)], []])
    assert.deepEqual(told(), ['entered a', 'left a'])
  })

  it('one that is written much does not enter, and one that is written much now leaves', async () => {
    const written = { get: 0.8, set: 0.2 }
    await play([[hot('w', 3_000, written), hot('a', 2_000)], ...Array(3).fill([hot('a', 2_000, written)])])
    assert.deepEqual(told(), ['entered a', 'left a'])
  })

  it("leaves split keys and others' keys alone, also where both want the same", async () => {
    const untilMs = time.wallMs() + 3_600_000
    const publishing = async () => {
      await changeHotSet(
        withLocal(['a', 'mine'].map((name) => ({ key: Buffer.from(name), untilMs }))),
        board(),
      )
      await changeHotSet(withSplit({ key: Buffer.from('s'), salts: [1] }), board())
    }
    const [done] = [publishing()]
    await settle()
    for (let step = 0; step < 10; step++) {
      await time.pass(50)
      await settle()
    }
    await done
    await play([[hot('a', 2_000), hot('b', 2_000)]])
    assert.deepEqual(names(), ['a', 'mine'])
    assert.equal(published()?.split.length, 1)
  })

  it('publishes again what another publisher has taken off by accident', async () => {
    let lost = 0
    await play(Array(5).fill([hot('a', 2_000)]), {
      between: async (at) => {
        if (at === 2) notices.delete(hotSetNotice)
        if (at === 3) lost = names().length
      },
    })
    assert.equal(lost, 1)
  })

  it('outlives a store that is away, and tells what it had decided meanwhile', async () => {
    await play([[hot('a', 2_000)], [hot('a', 2_000)], [hot('a', 2_000)]], {
      between: async (at) => {
        control.isAway = at < 2
      },
    })
    assert.ok(troubles.every((text) => /away/.test(text)) && troubles.length > 0)
    assert.deepEqual(told(), ['entered a', 'withdrawn a'])
  })

  it('says until when its keys stay where the store is away at the end', async () => {
    await play([[hot('a', 2_000)]], {
      between: async (at) => {
        control.isAway = at === 1
      },
    })
    assert.match(troubles.at(-1)!, /over in 60 s/)
  })
})
