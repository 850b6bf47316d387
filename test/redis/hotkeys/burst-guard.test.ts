import assert from 'node:assert/strict'
import type { Clock } from '../../../src/clock.js'
import { systemClock } from '../../../src/clock.js'
import { CachectlError, ExitCode } from '../../../src/errors.js'
import type { NodeFacts } from '../../../src/hotkeys/node-facts.js'
import { BurstGuard } from '../../../src/redis/hotkeys/burst-guard.js'
import type { Watchdog } from '../../../src/redis/hotkeys/watchdog.js'
import { testNode } from '../../support/redis-servers.js'

const access = { node: testNode('n1', 1) }
const facts: NodeFacts = {
  ...{ node: 'n1', server: 'redis', version: '7.0.15', missingRights: new Set<string>() },
  ...{ opsPerSec: 20_000, bytesPerCommand: 10_000, busyShare: 0.5 },
  ...{ largestInputBytes: undefined, maxmemoryPolicy: undefined },
}
const burst = { facts, limits: { maxLines: 50, maxBytes: 256 * 1024, maxMs: 20 }, client: 7 }
/** 256 KiB at 200 MB/s, and the shortest grace. */
const first = (256 * 1024) / (20 * 10_047) + 5

/** A watchdog of which a test says whom it kills. */
class ToldWatchdog implements Watchdog {
  readonly ready = Promise.resolve()
  readonly armedMs: number[] = []
  readonly disarmed: string[] = []
  killCount = 0
  arm(_node: string, _client: number, ms: number): void {
    this.armedMs.push(ms)
  }
  disarm(node: string): void {
    this.disarmed.push(node)
  }
  close(): void {}
}

describe('the deadline of a burst', () => {
  it('widens while bursts are ended from outside, as where a node has become slower, up to a limit', async () => {
    const watchdog = new ToldWatchdog()
    const guard = new BurstGuard(watchdog, systemClock)
    const killed = async () => {
      watchdog.killCount += 1
    }
    for (let round = 0; round < 6; round++) await guard.run(access, burst, killed)
    assert.deepEqual(watchdog.armedMs, [1, 2, 4, 8].map((factor) => factor * first).concat(80, 80))
    await guard.run(access, burst, async () => {})
    await guard.run(access, burst, async () => {})
    assert.equal(watchdog.armedMs.at(-1), first)
    assert.equal(watchdog.disarmed.length, watchdog.armedMs.length)
  })

  it('is no remedy for ever: after ten the run ends', async () => {
    const watchdog = new ToldWatchdog()
    const guard = new BurstGuard(watchdog, systemClock)
    const killed = async () => {
      watchdog.killCount += 1
      throw new Error('the connection was closed')
    }
    for (let round = 0; round < 10; round++) await assert.rejects(guard.run(access, burst, killed), /closed/)
    await assert.rejects(
      guard.run(access, burst, async () => {}),
      (error) =>
        error instanceof CachectlError &&
        error.exitCode === ExitCode.stopped &&
        /too slow/.test(error.remedy ?? ''),
    )
    assert.equal(watchdog.armedMs.length, 10)
  })

  it('allows for answers as late as those lately, and not for the time in which the run stood still', async () => {
    let nowMs = 0
    const clock: Clock = { ...systemClock, nowMs: () => nowMs }
    const watchdog = new ToldWatchdog()
    const guard = new BurstGuard(watchdog, clock)
    const after = async (ms: number) => {
      const answer = guard.timed('n1', Promise.resolve('OK'))
      nowMs += ms
      assert.equal(await answer, 'OK')
      await guard.run(access, burst, async () => {})
      return watchdog.armedMs.at(-1)! - first + 5
    }
    const late = [await after(100), await after(10), await after(1), await after(3_600_000)]
    assert.deepEqual(late.map(Math.round), [300, 150, 75, 750])
  })
})
