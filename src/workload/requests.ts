/** What to send next: a stream of requests without an object a request, so that a million a second leave no garbage. */
import type { Random } from '../random.js'
import type { KeyDistribution } from './key-distribution.js'
import { createKeyDraw } from './key-distribution.js'
import type { TraceRequests } from './request-source.js'

export type { TraceRequests }

/** Kinds of operations; the numbers index histograms. `fill` is the set that follows a miss. */
export const operationNames = ['get', 'set', 'fill', 'del'] as const
export type OperationName = (typeof operationNames)[number]
export const operation = { get: 0, set: 1, fill: 2, del: 3 } as const

/** `next()` sets the fields; false: the stream has ended. */
export interface RequestSource {
  next(): boolean
  op: number
  /** Index of the key. */
  key: number
  valueBytes: number
}

export type SourceSpec =
  /** Every key once, in order: filling and cleaning up. */
  | { readonly kind: 'every-key'; readonly op: 'set' | 'del' }
  | { readonly kind: 'mix'; readonly distribution: KeyDistribution; readonly readRatio: number }
  | { readonly kind: 'trace'; readonly trace: TraceRequests }

export interface SourceOptions {
  readonly keyCount: number
  readonly valueBytes: number
  readonly random: Random
  /** This thread of how many: streams that end are divided. */
  readonly part: { readonly index: number; readonly count: number }
}

export function createSource(spec: SourceSpec, options: SourceOptions): RequestSource {
  switch (spec.kind) {
    case 'every-key':
      return everyKey(operation[spec.op], options)
    case 'mix':
      return mix(spec, options)
    case 'trace':
      return replay(spec.trace, options)
    default:
      return spec satisfies never
  }
}

function everyKey(op: number, { keyCount, valueBytes, part }: SourceOptions): RequestSource {
  return {
    op,
    key: part.index - part.count,
    valueBytes,
    next() {
      this.key += part.count
      return this.key < keyCount
    },
  }
}

function mix(spec: Extract<SourceSpec, { kind: 'mix' }>, options: SourceOptions): RequestSource {
  const { keyCount, valueBytes, random } = options
  const draw = createKeyDraw(spec.distribution, keyCount, random)
  const { readRatio } = spec
  return {
    op: operation.get,
    key: 0,
    valueBytes,
    next() {
      this.key = draw()
      this.op = readRatio === 1 || random.next() < readRatio ? operation.get : operation.set
      return true
    },
  }
}

/** By index into `traceOperations`. */
const traceOps = [operation.get, operation.set, operation.del]

function replay(trace: TraceRequests, { valueBytes, part }: SourceOptions): RequestSource {
  let at = part.index - part.count
  return {
    op: operation.get,
    key: 0,
    valueBytes,
    next() {
      at += part.count
      if (at >= trace.keys.length) return false
      this.key = trace.keys[at]!
      this.op = traceOps[trace.ops[at]!]!
      this.valueBytes = trace.valueBytes[at]! || valueBytes
      return true
    },
  }
}
