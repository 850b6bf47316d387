/**
 * The real client, mover and operator over simulated nodes, network and time: thousands of seeds, each another story.
 * `SEED=n` plays one and prints what happened; `SIM_SEEDS` says how many are played.
 */
import assert from 'node:assert/strict'
import { type PlayResult, play } from './play.js'
import { weaknesses } from './weakness.js'

const seedCount = Number(process.env.SIM_SEEDS ?? 10_000)
const only = process.env.SEED
/** Seeds until a planted bug must have been found. */
const soon = 4_000
const shownLines = 400

/** What must have been seen, or the seeds prove little; and in how many of 10,000 at least. */
const faults: Readonly<Record<string, number>> = {
  'lost connection': 1_000,
  'lost store request': 500,
  'node stands still': 1_000,
  'process freezes': 1_000,
  'client dies': 300,
  'operator dies': 1_000,
  'operator again': 1_000,
  'operator fenced': 1_000,
  'CLIENT KILL': 1_000,
  'unknown outcome': 500,
  'EXEC nil': 50,
  BUSYKEY: 50,
  EPOCH: 1_000,
  FENCED: 1,
  expiry: 500,
  wanted: 100,
}

/** The story of a seed that failed, told again with its trace. */
async function storyOf(seed: number, { problems }: PlayResult): Promise<string> {
  const { trace } = await play(seed, { isTraced: true })
  const left = Math.max(0, trace.length - shownLines)
  return [
    `seed ${seed} (SEED=${seed} replays it):`,
    ...problems,
    ...(left > 0 ? [`… ${left} lines before`] : []),
    ...trace.slice(-shownLines),
  ].join('\n')
}

describe('a simulated ring', () => {
  if (only !== undefined) {
    it(`keeps every promise in seed ${only}`, async () => {
      const { problems, trace } = await play(Number(only), { isTraced: true })
      process.stdout.write(`${trace.join('\n')}\n`)
      assert.deepEqual(problems, [])
    })
    return
  }

  it(`keeps every promise in ${seedCount} seeds`, async function () {
    this.timeout(60_000 + seedCount * 60)
    const seen = new Map<string, number>()
    for (let seed = 0; seed < seedCount; seed++) {
      const result = await play(seed)
      if (result.problems.length > 0) assert.fail(await storyOf(seed, result))
      for (const what of result.sightings.keys()) seen.set(what, (seen.get(what) ?? 0) + 1)
    }
    for (const [fault, least] of Object.entries(faults)) {
      const wanted = Math.floor((least * seedCount) / 10_000)
      assert.ok(
        (seen.get(fault) ?? 0) >= wanted,
        `${fault}: in ${seen.get(fault) ?? 0} seeds of ${seedCount}`,
      )
    }
  })

  for (const [name, weakness] of Object.entries(weaknesses)) {
    it(`finds it when ${name}`, async function () {
      this.timeout(120_000)
      for (let seed = 0; seed < soon; seed++) {
        if ((await play(seed, { weakness })).problems.length === 0) continue
        this.test!.title += ` (seed ${seed})`
        return
      }
      assert.fail(`not found in ${soon} seeds`)
    })
  }

  it('plays a seed twice in the same way', async () => {
    for (const seed of [1, 2, 3]) {
      const [first, second] = [await play(seed, { isTraced: true }), await play(seed, { isTraced: true })]
      const withoutIds = ({ trace }: PlayResult) =>
        trace.map((line) => line.replaceAll(/[0-9a-f-]{8,13}/g, ''))
      assert.deepEqual(withoutIds(first), withoutIds(second))
    }
  })
})
