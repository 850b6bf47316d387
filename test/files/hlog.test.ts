import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HistogramLogReader, listTags } from 'hdr-histogram-js'
import { systemClock } from '../../src/clock.js'
import { openHlog } from '../../src/files/hlog.js'
import { latencies } from '../support/run-counts.js'

describe('a histogram log', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  it("is read by HdrHistogram's own reader: tags, times since the epoch, nanoseconds", async () => {
    const path = join(directory, 'run.hlog')
    const startMs = 1_700_000_000_000
    const log = await openHlog(path, { ...systemClock, wallMs: () => startMs + 1_500 })
    log.interval({ startSec: 0.5, seconds: 1, op: 'get', counts: latencies([2, 99], [30, 1]) })
    log.interval({ startSec: 0.5, seconds: 1, op: 'set', counts: latencies() })
    log.interval({ startSec: 1.5, seconds: 1, op: 'get', counts: latencies([3, 10]) })
    log.interval({ startSec: 1.5, seconds: 0.25, op: 'odd, name', counts: latencies([1, 1]) })
    await log.close()
    const text = await readFile(path, 'utf8')
    assert.deepEqual(listTags(text), ['get', 'odd__name'])
    const reader = new HistogramLogReader(text)
    const first = reader.nextIntervalHistogram()!
    assert.deepEqual([first.tag, first.totalCount], ['get', 100])
    assert.equal(first.startTimeStampMsec, startMs + 500)
    assert.equal(first.endTimeStampMsec, startMs + 1_500)
    const p99Ms = first.getValueAtPercentile(99) / 1e6
    assert.ok(p99Ms >= 2 && p99Ms <= 2.02, String(p99Ms))
    assert.ok(first.maxValue / 1e6 >= 30 && first.maxValue / 1e6 <= 30.3)
    assert.equal(reader.nextIntervalHistogram()!.totalCount, 10)
    assert.equal(reader.nextIntervalHistogram()!.tag, 'odd__name')
    assert.equal(reader.nextIntervalHistogram(), null)
  })

  it('that can not be opened is known before the run; a full disk is told at the end', async () => {
    await assert.rejects(
      openHlog(join(directory, 'no', 'where'), systemClock),
      /histogram log .*no such file/,
    )
    const full = await openHlog('/dev/full', systemClock)
    full.interval({ startSec: 0, seconds: 1, op: 'get', counts: latencies([1, 1]) })
    full.interval({ startSec: 1, seconds: 1, op: 'get', counts: latencies([1, 1]) })
    await assert.rejects(full.close(), /histogram log \/dev\/full: no space left/)
  })
})
