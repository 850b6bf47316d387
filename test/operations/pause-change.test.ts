import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ControlStore } from '../../src/cache/ports.js'
import { systemClock } from '../../src/clock.js'
import { createFileStore } from '../../src/control/file-store.js'
import { keepLease } from '../../src/operations/keep-lease.js'
import { readPause } from '../../src/operations/notices.js'
import { pauseChange } from '../../src/operations/pause-change.js'
import { readStatus } from '../../src/operations/ring-status.js'
import { committedState, firstState, migrateState, prepareState } from '../../src/ring/epoch.js'
import { silent } from '../support/fake-fleet.js'
import { testNode, testTopology } from '../support/redis-servers.js'

const first = firstState(testTopology([testNode('n1', 7001)]))
const moving = migrateState(prepareState(first, testTopology([testNode('n1', 7001), testNode('n2', 7002)])))
const by = 'pid 7 on somewhere'

describe('pausing a change', () => {
  let directory: string
  let control: ControlStore
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
    control = createFileStore(directory, systemClock)
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  const never = new AbortController().signal
  const pause = (patienceMs = 30_000) =>
    pauseChange({ by, patienceMs }, { control, clock: systemClock, progress: silent, signal: never })
  const status = () =>
    readStatus('test', { control, journal: [], warnings: [], wallMs: systemClock.wallMs() })
  const work = async (holder: string) =>
    keepLease(
      { lease: await control.acquireLease(holder), holder },
      { control, clock: systemClock, signal: never },
    )
  const untilAsked = async () => {
    while ((await readPause(control)) === undefined) await systemClock.sleep(5)
  }
  const aborted = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve())
    })

  it('tells the operator at work to stop, and waits until it has', async () => {
    await control.compareAndSwap(undefined, moving)
    const kept = await work('operator one')
    const pausing = pause()
    await untilAsked()
    assert.equal((await status()).operator, 'operator one')
    assert.equal((await status()).pause?.by, by)
    await aborted(kept.signal)
    assert.equal(kept.signal.reason.exitCode, 6)
    assert.equal(kept.signal.reason.message, `paused by ${by}`)
    assert.match(kept.signal.reason.remedy, /ring resume/)
    await kept.release()
    assert.equal(await pausing, 'operator one')
    const { operator, pause: paused } = await status()
    assert.deepEqual([operator, paused?.by], [null, by])
  })

  it('does not stop whoever goes on later', async () => {
    await control.compareAndSwap(undefined, moving)
    const kept = await work('operator one')
    const pausing = pause()
    await aborted(kept.signal)
    await kept.release()
    await pausing
    const second = await work('operator two')
    await systemClock.sleep(1_300)
    assert.equal(second.signal.aborted, false)
    assert.equal((await status()).pause, null)
    await second.release()
  })

  it('is refused when no change is under way, or none has begun', async () => {
    await assert.rejects(pause(), { exitCode: 5, message: 'no change of the ring is under way' })
    await control.compareAndSwap(undefined, first)
    await assert.rejects(pause(), { exitCode: 5, message: 'no change of the ring is under way' })
    const kept = await work('operator one')
    await assert.rejects(pause(), { exitCode: 5, message: /operator one is at work, but no key moves/ })
    await kept.release()
  })

  it('says so when nobody is at work', async () => {
    await control.compareAndSwap(undefined, moving)
    assert.equal(await pause(), undefined)
    assert.equal(await readPause(control), undefined)
  })

  it('says so when the change ends first, and takes its notice off', async () => {
    const stored = await control.compareAndSwap(undefined, moving)
    const lease = await control.acquireLease('operator one')
    const pausing = pause()
    await untilAsked()
    await control.compareAndSwap(stored, committedState(moving))
    await lease.release()
    await assert.rejects(pausing, { exitCode: 5, message: /ended before it could pause/ })
    assert.equal(await readPause(control), undefined)
  })

  it('says so when another has taken over meanwhile', async () => {
    await control.compareAndSwap(undefined, moving)
    const lease = await control.acquireLease('operator one')
    const leaseHolder = control.leaseHolder
    const pausing = pause()
    await untilAsked()
    control.leaseHolder = async () => 'operator two'
    await assert.rejects(pausing, { exitCode: 5, message: /operator two has gone on/ })
    control.leaseHolder = leaseHolder
    await lease.release()
  })

  it('does not wait for ever', async () => {
    await control.compareAndSwap(undefined, moving)
    const lease = await control.acquireLease('operator one')
    await assert.rejects(pause(0), { exitCode: 6, message: /operator one is still at work after 0 s/ })
    await lease.release()
  })

  it('an operator whose change is committed does not stop: there would be nothing to resume', async () => {
    await control.compareAndSwap(undefined, committedState(moving))
    const kept = await work('operator one')
    await control.putNotice('pause', JSON.stringify({ by, sinceMs: 0, holder: 'operator one' }))
    await systemClock.sleep(1_300)
    assert.equal(kept.signal.aborted, false)
    await kept.release()
  })

  it('notices that are none of ours are left alone', async () => {
    await control.compareAndSwap(undefined, moving)
    for (const text of ['', 'null', '[]', '{"by":1}', 'garbage']) {
      await control.putNotice('pause', text)
      await control.putNotice('progress', text)
      const { pause: paused, progress } = await status()
      assert.deepEqual([paused, progress], [null, null])
    }
  })
})
