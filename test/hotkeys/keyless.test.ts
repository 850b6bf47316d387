import assert from 'node:assert/strict'
import { estimate } from '../../src/hotkeys/estimate.js'
import { hotCommands } from '../../src/hotkeys/keyless.js'
import type { SampledCommand } from '../../src/hotkeys/sampled.js'
import { Tally } from '../../src/hotkeys/tally.js'

const get = (name: string, micros?: number): SampledCommand => ({
  ...{ command: 'get', keys: [name], bytes: 20, client: 'c:1' },
  ...(micros === undefined ? {} : { micros }),
})
const keyless = (command: string): SampledCommand => ({
  ...{ command, keys: [], isKeyless: true, bytes: 4, client: 'c:1' },
})

function tallyOf(commands: readonly SampledCommand[], bursts = 40): Tally {
  const tally = new Tally('n1')
  for (let burst = 0; burst < bursts; burst++) tally.add({ node: 'n1', atMs: burst * 100, commands })
  return tally
}

const opsPerSec = new Map([['n1', 1_000]])

describe('a hot command without keys', () => {
  const others = Array.from({ length: 80 }, (_, index) => get(`k${index}`))
  const elsewhere: SampledCommand = { command: 'get', keys: [], bytes: 20, client: 'c:1' }

  it('is one above the threshold, with its share of the node; a command whose keys are not told is none', () => {
    const tally = tallyOf([
      ...others,
      ...Array.from({ length: 15 }, () => keyless('ping')),
      ...Array.from({ length: 4 }, () => elsewhere),
      keyless('time'),
    ])
    const [ping, ...more] = hotCommands([tally], { threshold: 0.02, opsPerSec })
    assert.deepEqual(
      [ping?.node, ping?.command, ping?.share.value, ping?.opsPerSec],
      ['n1', 'ping', 0.15, 150],
    )
    assert.ok(ping!.share.low < 0.15 && ping!.share.high > 0.15)
    assert.deepEqual(more, [])
    const all = hotCommands([tally], { threshold: 0.01, opsPerSec }).map(({ command }) => command)
    assert.deepEqual(all, ['ping', 'time'])
  })

  it('fades as keys do', () => {
    const tally = tallyOf([...others, ...Array.from({ length: 20 }, () => keyless('ping'))])
    tally.decay(0.5)
    tally.add({ node: 'n1', atMs: 5_000, commands: others })
    const [ping] = hotCommands([tally], { threshold: 0.1, opsPerSec })
    assert.equal(ping?.share.value, 400 / 2_080)
  })

  it('is none when it was seen too seldom to tell its share', () => {
    const tally = tallyOf([...others.slice(0, 9), keyless('ping')], 3)
    assert.deepEqual(hotCommands([tally], { threshold: 0.01, opsPerSec }), [])
  })
})

describe("a key's part of the CPU time", () => {
  const cpuOf = (tally: Tally, name: string) =>
    estimate([tally], { threshold: 0.05, top: 10, opsPerSec }).keys.find((key) => key.name === name)?.nodes[0]
      ?.cpuShare

  it('is what its commands took of all, by the source that tells it', () => {
    const slow = Array.from({ length: 10 }, () => get('slow', 9))
    const quick = Array.from({ length: 90 }, () => get('quick', 1))
    const tally = tallyOf([...slow, ...quick])
    assert.ok(Math.abs(cpuOf(tally, 'slow')! - 0.5) < 1e-9)
    assert.ok(Math.abs(cpuOf(tally, 'quick')! - 0.5) < 1e-9)
    tally.decay(0.5)
    assert.ok(Math.abs(cpuOf(tally, 'slow')! - 0.5) < 1e-9)
  })

  it('is not told where the source does not', () => {
    const tally = tallyOf(Array.from({ length: 10 }, () => get('k')))
    assert.equal(cpuOf(tally, 'k'), undefined)
  })
})
