import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createVouchTable } from '../../../src/cache/l1/vouch-table.js'

describe('the table of vouches', () => {
  it('gives a number away again only when no slot refers to it, and keeps none longer', () => {
    const vouches = Array.from({ length: 6 }, (_, untilMs) => ({ untilMs }))
    const step = fc.oneof(
      fc.record({ takes: fc.constant(true), index: fc.nat({ max: 5 }) }),
      fc.record({ takes: fc.constant(false), index: fc.nat() }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const table = createVouchTable()
        const slots: { id: number; vouch: { untilMs: number } }[] = []
        for (const { takes, index } of steps) {
          if (takes) slots.push({ id: table.take(vouches[index]!), vouch: vouches[index]! })
          else if (slots.length > 0) table.release(slots.splice(index % slots.length, 1)[0]!.id)
          for (const { id, vouch } of slots) assert.equal(table.at(id), vouch)
          const distinct = new Set(slots.map(({ vouch }) => vouch)).size
          assert.equal(table.size(), distinct)
          assert.ok(slots.every(({ id }) => id < 6))
        }
      }),
    )
  })

  it('starts anew when it is cleared', () => {
    const table = createVouchTable()
    table.take({ untilMs: 1 })
    table.clear()
    const vouch = { untilMs: 2 }
    assert.equal(table.take(vouch), 0)
    assert.deepEqual([table.at(0), table.size()], [vouch, 1])
  })
})
