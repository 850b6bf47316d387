/** What every place to meet promises: one suite, run for each store. */
import assert from 'node:assert/strict'
import { type MeetingPort, maxMeetingTextBytes } from '../../src/cache/ports.js'

export interface TestedMeeting {
  /** As another machine would open it. */
  open(): MeetingPort
  /** The time of every text that is there has passed. */
  expireAll(): Promise<void>
  /** Everything that is left behind, whoever put it there. */
  leftovers(): Promise<readonly string[]>
}

export function meetingContract(tested: () => TestedMeeting): void {
  let one: MeetingPort
  let other: MeetingPort
  beforeEach(() => {
    one = tested().open()
    other = tested().open()
  })
  afterEach(async () => {
    await one.remove('')
    await one.close()
    await other.close()
  })

  it('is empty at first; a text that is put is there for everybody, and is replaced', async () => {
    assert.equal(await one.get('agents/a'), undefined)
    assert.deepEqual(await one.list('agents/'), [])
    await one.put('agents/a', 'Zoë\n1', 10)
    assert.equal(await other.get('agents/a'), 'Zoë\n1')
    await other.put('agents/a', 'two', 10)
    assert.equal(await one.get('agents/a'), 'two')
  })

  it('lists by prefix, in order, and nothing else', async () => {
    for (const name of ['agents/b', 'agents/a', 'agentss/c', 'agent', 'runs/1/job'])
      await one.put(name, `at ${name}`, 10)
    assert.deepEqual(await other.list('agents/'), [
      { name: 'agents/a', text: 'at agents/a' },
      { name: 'agents/b', text: 'at agents/b' },
    ])
    assert.equal((await other.list('')).length, 5)
  })

  it('removes by prefix, and leaves nothing behind', async () => {
    for (const name of ['runs/1/job', 'runs/1/said/a', 'runs/10/job']) await one.put(name, 'x', 10)
    await other.remove('runs/1/')
    await other.remove('runs/1/')
    assert.deepEqual(
      (await one.list('')).map(({ name }) => name),
      ['runs/10/job'],
    )
    await one.remove('runs/10/job')
    assert.deepEqual(await tested().leftovers(), [])
  })

  it('a text goes by itself when its time has passed, and the same name may be put again', async () => {
    await one.put('agents/a', 'old', 5)
    await tested().expireAll()
    assert.equal(await other.get('agents/a'), undefined)
    assert.deepEqual(await other.list('agents/'), [])
    await one.put('agents/a', 'new', 5)
    assert.deepEqual(await other.list('agents/'), [{ name: 'agents/a', text: 'new' }])
  })

  it('takes texts of half a MiB', async () => {
    const text = 'x'.repeat(maxMeetingTextBytes)
    await one.put('runs/1/result/0', text, 10)
    assert.equal(await other.get('runs/1/result/0'), text)
  })

  it('many put at once, and each stands', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => one.put(`agents/${index}`, `${index}`, 10)))
    assert.equal((await other.list('agents/')).length, 20)
  })
}
