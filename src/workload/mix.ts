import { createKeyDraw } from './key-distribution.js'
import type { MixSpec, RequestSource, SourceOptions } from './request-source.js'
import { createSizeDraw } from './size-distribution.js'
import { createTtlDraw } from './ttl-mix.js'

export function createMix(spec: MixSpec, { operations, keyCount, random }: SourceOptions): RequestSource {
  const draw = createKeyDraw(spec.distribution, keyCount, random)
  const size = createSizeDraw(spec.values, random)
  const ttl = createTtlDraw(spec.ttl, random)
  const total = operations.reduce((sum, { weight }) => sum + weight, 0)
  const limits: number[] = []
  let sum = 0
  for (const { weight } of operations) limits.push((sum += weight) / total)
  return {
    op: 0,
    key: 0,
    valueBytes: 0,
    ttlSeconds: 0,
    keyCount: 1,
    atMs: 0,
    keys: new Uint32Array(1),
    shiftTo() {},
    next() {
      this.key = draw()
      this.valueBytes = size()
      this.ttlSeconds = ttl()
      const u = random.next()
      let op = 0
      while (limits[op]! <= u) op++
      this.op = op
      return true
    },
  }
}
