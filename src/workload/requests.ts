/** What to send next: every key once, a drawn mix, or a trace. */
import { createMix } from './mix.js'
import type { MixSpec, RequestSource, SourceOptions, TraceRequests } from './request-source.js'
import { createSizeDraw } from './size-distribution.js'
import { createTtlDraw } from './ttl-mix.js'

export type SourceSpec =
  /** Every key once, in order: filling and cleaning up. `op` is an index into the run's operations. */
  | { readonly kind: 'every-key'; readonly op: number; readonly from?: MixSpec }
  | MixSpec
  | {
      readonly kind: 'trace'
      readonly trace: TraceRequests
      /** Where the trace does not say it. */
      readonly valueBytes: number
      readonly ttlSeconds: number
    }

export function createSource(spec: SourceSpec, options: SourceOptions): RequestSource {
  switch (spec.kind) {
    case 'every-key':
      return everyKey(spec, options)
    case 'mix':
      return createMix(spec, options)
    case 'trace':
      return replay(spec, options)
    default:
      return spec satisfies never
  }
}

const blank = { op: 0, key: 0, valueBytes: 0, ttlSeconds: 0, keyCount: 1, atMs: 0, shiftTo: () => {} }

/** Sizes and expiry times are drawn as the mix would. */
function everyKey(spec: Extract<SourceSpec, { kind: 'every-key' }>, options: SourceOptions): RequestSource {
  const { keyCount, part, random } = options
  const sizeOf = spec.from && createSizeDraw(spec.from.values, random)
  const ttlOf = spec.from && createTtlDraw(spec.from.ttl, random)
  return {
    ...blank,
    op: spec.op,
    keys: new Uint32Array(1),
    key: part.index - part.count,
    next() {
      this.key += part.count
      if (sizeOf) this.valueBytes = sizeOf()
      if (ttlOf) this.ttlSeconds = ttlOf()
      return this.key < keyCount
    },
  }
}

function replay(
  { trace, valueBytes, ttlSeconds }: Extract<SourceSpec, { kind: 'trace' }>,
  { part }: SourceOptions,
): RequestSource {
  let at = part.index - part.count
  return {
    ...blank,
    keys: new Uint32Array(1),
    next() {
      at += part.count
      if (at >= trace.keys.length) return false
      this.key = trace.keys[at]!
      this.op = trace.ops[at]!
      this.valueBytes = trace.valueBytes[at]! || valueBytes
      this.ttlSeconds = trace.ttlSeconds[at]! || ttlSeconds
      this.atMs = trace.atMs[at]!
      return true
    },
  }
}
