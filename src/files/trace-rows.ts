/** One line of a trace to one row, on bytes. Keys may hold commas: the other columns are counted from both ends. */
import { invalid } from '../errors.js'
import { printable } from '../printable.js'
import type { KeyTable } from './key-table.js'
import type { TraceRow } from './trace-columns.js'
import { type ColumnRole, operationsByName, type TraceLayout } from './trace-formats.js'

/** As many as a server takes; cachebench keeps repeats in 16 bits. */
const maxValueBytes = 512 * 2 ** 20
const maxTtlSeconds = 2 ** 32 - 1
const maxRepeats = 2 ** 16 - 1

/** Microseconds since 1970 still fit: a time in another unit than seconds is not refused, its steps are. */
const maxSeconds = 2 ** 52
/** Nanoseconds, and as many as a double keeps apart. */
const maxFractionDigits = 9

const comma = 0x2c
const point = 0x2e
const zero = 0x30

export interface RowParser {
  readonly row: TraceRow
  /** Sets `row` from `bytes[start .. end)`; how many times it stands for. Errors: `invalid`, starting with `where()`. */
  parse(bytes: Buffer, start: number, end: number): number
}

/** `where` gives `file:line` of the line being parsed; it is asked only when something is wrong. */
export function createRowParser(layout: TraceLayout, keys: KeyTable, where: () => string): RowParser {
  const { roles } = layout
  const keyAt = roles.indexOf('key')
  const row: TraceRow = {
    key: 0,
    op: 0,
    valueBytes: 0,
    ttlSeconds: 0,
    seconds: 0,
    fraction: 0,
    fractionDigits: 0,
  }
  let repeats = 1
  let lineStart = 0
  let lineEnd = 0

  const fail = (what: string): never => {
    throw invalid(`${where()}: ${what}`)
  }
  /** A line with too few columns has the wrong things in the others: that is what is said. */
  const failAt = (column: number, bytes: Buffer, start: number, end: number, expected: string): never => {
    const columnCount = bytes.toString('latin1', lineStart, lineEnd).split(',').length
    if (columnCount < roles.length)
      return fail(`${columnCount} columns, expected ${layout.columns.join(',')}`)
    const found = printable(bytes.subarray(start, end), 40)
    return fail(`${printable(layout.columns[column]!)} is ${found}, expected ${expected}`)
  }

  let whole = 0
  let fraction = 0
  let fractionDigits = 0
  /** Sets the three above. */
  const number = (column: number, bytes: Buffer, start: number, end: number) => {
    whole = 0
    fraction = 0
    fractionDigits = 0
    let at = start
    for (; at < end; at++) {
      const digit = bytes[at]! - zero
      if (digit < 0 || digit > 9) break
      whole = whole * 10 + digit
    }
    if (at === end && at > start) return
    if (at === start || bytes[at] !== point || at + 1 === end) failAt(column, bytes, start, end, 'a number')
    let scale = 1
    for (let place = at + 1; place < end; place++) {
      const digit = bytes[place]! - zero
      if (digit < 0 || digit > 9) failAt(column, bytes, start, end, 'a number')
      if (place - at > maxFractionDigits) continue
      fraction = fraction * 10 + digit
      scale *= 10
      if (digit > 0) fractionDigits = place - at
    }
    fraction /= scale
  }

  const field = (column: number, role: ColumnRole, bytes: Buffer, start: number, end: number) => {
    switch (role) {
      case 'op':
        row.op = operationOf(bytes, start, end)
        if (row.op < 0)
          failAt(column, bytes, start, end, `one of ${Object.keys(operationsByName).join(', ')}`)
        return
      case 'time':
        number(column, bytes, start, end)
        if (whole > maxSeconds) failAt(column, bytes, start, end, `at most ${maxSeconds} seconds`)
        row.seconds = whole
        row.fraction = fraction
        row.fractionDigits = fractionDigits
        return
      case 'key_size':
        number(column, bytes, start, end)
        return
      case 'value_size':
        number(column, bytes, start, end)
        if (whole > maxValueBytes) failAt(column, bytes, start, end, `at most ${maxValueBytes}`)
        row.valueBytes = whole
        return
      case 'ttl':
        number(column, bytes, start, end)
        // half a second must not become "never expires"
        if (fraction > 0) whole += 1
        if (whole > maxTtlSeconds) failAt(column, bytes, start, end, `at most ${maxTtlSeconds}`)
        row.ttlSeconds = whole
        return
      case 'op_count':
        number(column, bytes, start, end)
        if (whole < 1 || whole > maxRepeats || fraction > 0)
          failAt(column, bytes, start, end, `a whole number from 1 to ${maxRepeats}`)
        repeats = whole
        return
    }
  }

  return {
    row,
    parse(bytes, start, end) {
      repeats = 1
      lineStart = start
      lineEnd = end
      let keyStart = start
      let keyEnd = end
      for (let column = 0; column < keyAt; column++) {
        const from = keyStart
        while (keyStart < end && bytes[keyStart] !== comma) keyStart += 1
        if (keyStart === end) failAt(column, bytes, keyStart, keyEnd, 'another column')
        field(column, roles[column]!, bytes, from, keyStart)
        keyStart += 1
      }
      for (let column = roles.length - 1; column > keyAt; column--) {
        const to = keyEnd
        keyEnd -= 1
        while (keyEnd >= keyStart && bytes[keyEnd] !== comma) keyEnd -= 1
        if (keyEnd < keyStart) failAt(column, bytes, keyStart, keyEnd, 'another column')
        field(column, roles[column]!, bytes, keyEnd + 1, to)
      }
      if (keyEnd === keyStart) fail(`the key is empty, expected ${layout.columns.join(',')}`)
      row.key = keys.intern(bytes, keyStart, keyEnd)
      return repeats
    },
  }
}

/** -1: not known. The two that make up nearly all of a trace take no string. */
function operationOf(bytes: Buffer, start: number, end: number): number {
  if (end - start === 3 && bytes[start + 1] === 0x65 && bytes[start + 2] === 0x74) {
    if (bytes[start] === 0x67) return operationsByName.get!
    if (bytes[start] === 0x73) return operationsByName.set!
  }
  if (end - start > 10) return -1
  const name = bytes.toString('latin1', start, end).toLowerCase()
  return Object.hasOwn(operationsByName, name) ? operationsByName[name]! : -1
}
