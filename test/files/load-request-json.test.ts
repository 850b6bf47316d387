import assert from 'node:assert/strict'
import type { BenchFlags } from '../../src/bench-flags.js'
import { toBenchJob } from '../../src/bench-job.js'
import { formatLoadRequest, parseLoadRequest } from '../../src/files/load-request-json.js'
import { packText, unpackText } from '../../src/files/packed-text.js'
import type { Trace } from '../../src/files/trace-file.js'
import type { LoadRequest } from '../../src/operations/ports.js'
import { testNode, testTopology } from '../support/redis-servers.js'

const topology = testTopology([
  { ...testNode('n1', 7001), username: 'u', passwordEnv: 'N1_PASSWORD', tls: { ca: 'ca.pem' } },
])
const flags: BenchFlags = {
  connections: 50,
  pipeline: 1,
  threads: 2,
  'max-in-flight': 1_000,
  pace: 'exact',
  'allow-missing': false,
  verify: false,
  prefix: 'bench:',
  keep: false,
  fill: true,
  seed: 7,
}
const noTrace = () => Promise.reject(new Error('no trace was named'))

const trace: Trace = {
  path: 'x.csv',
  requests: {
    keys: Uint32Array.of(0, 1, 0),
    ops: Uint8Array.of(0, 1, 0),
    valueBytes: Uint32Array.of(1, 2, 3),
    ttlSeconds: new Uint32Array(3),
    atMs: Float64Array.of(0, 1, 2),
  },
  names: Buffer.from('abcd'),
  ends: Uint32Array.of(1, 4),
  hasTimes: true,
  clampedCount: 0,
}

/** What is sent of a job: the load in it. */
function loadOf(job: LoadRequest): Partial<LoadRequest> {
  const {
    topology: ring,
    keys,
    operations,
    source,
    seed,
    connections,
    pipeline,
    threads,
    warmup,
    phases,
  } = job
  const { requestLimit, maxInFlight, pace, verify, watchNodes, sourceOfTruth } = job
  return {
    ...{ topology: ring, keys, operations, source, seed, connections, pipeline, threads, warmup, phases },
    ...{ requestLimit, maxInFlight, pace, verify, watchNodes },
    ...(sourceOfTruth ? { sourceOfTruth } : {}),
  }
}

describe('a load as text', () => {
  const variants: [string, Partial<BenchFlags>][] = [
    ...['ycsb:a', 'ycsb:d', 'ycsb:e', 'ycsb:f', 'meta:kvcache', 'twitter:cluster24', 'twitter:cluster52'].map(
      (workload): [string, Partial<BenchFlags>] => [workload, { workload }],
    ),
    ['a ramp', { rate: '1k..5k/3s', arrivals: 'poisson' }],
    ['sizes without an end', { 'value-bytes': 'lognormal:4,1', 'key-bytes': 'uniform:20..60' }],
    [
      'a mix with TTLs',
      { mix: 'get:90,mget:5,incr:1,hset:2,zadd:2', ttl: '60s:0.5,0:0.5', 'ttl-jitter': '0.1' },
    ],
    ['a source of truth', { source: 'simulated:lognormal:1.6,0.5', 'source-capacity': 4 }],
  ]
  for (const [name, more] of variants) {
    it(`${name} comes back the same`, async () => {
      const job = await toBenchJob({ ...flags, ...more }, topology)
      const text = await unpackText(await packText(formatLoadRequest(job)))
      const back = await parseLoadRequest(text, noTrace)
      assert.deepEqual(back, loadOf(job))
      if (job.keys.kind === 'numbered' && job.keys.lengths) {
        assert.ok(back.keys.kind === 'numbered' && back.keys.lengths?.buffer instanceof SharedArrayBuffer)
      }
    })
  }

  const traced = async () => {
    const { names, ends, requests } = trace
    const job = await toBenchJob(flags, topology)
    return {
      ...loadOf(job),
      keys: { kind: 'named', prefix: 'bench:', names, ends },
      source: { kind: 'trace', trace: requests, valueBytes: 10, ttlSeconds: 0 },
    } as LoadRequest
  }

  it('a trace is named, not sent, and read where the text is read', async () => {
    const load = await traced()
    const text = formatLoadRequest(load, '/traces/x.csv')
    assert.ok(!text.includes('abcd'))
    const asked: string[] = []
    const back = await parseLoadRequest(text, async (path) => {
      asked.push(path)
      return trace
    })
    assert.deepEqual(asked, ['/traces/x.csv'])
    assert.deepEqual(back, load)
  })

  it('another file at the same path is refused', async () => {
    const text = formatLoadRequest(await traced(), '/traces/x.csv')
    const other = { ...trace, names: Buffer.from('abce') }
    await assert.rejects(
      parseLoadRequest(text, async () => other),
      { exitCode: 2, message: /\/traces\/x\.csv: not the file/ },
    )
  })

  it('what is no load is refused, and says why', async () => {
    const good = JSON.parse(formatLoadRequest(await toBenchJob(flags, topology)))
    for (const [text, why] of [
      ['{', /not JSON|JSON/],
      ['null', /not a load/],
      [JSON.stringify({ ...good, threads: 1e9 }), /threads/],
      [JSON.stringify({ ...good, topology: { ...good.topology, nodes: [] } }), /topology\.nodes/],
      [JSON.stringify({ ...good, source: { kind: 'shell' } }), /source/],
    ] as const)
      await assert.rejects(parseLoadRequest(text, noTrace), { exitCode: 5, message: why })
  })

  it('passwords are not in it', async () => {
    const text = formatLoadRequest(await toBenchJob(flags, topology))
    assert.ok(text.includes('N1_PASSWORD'))
    assert.ok(!/"password"/.test(text))
  })
})
