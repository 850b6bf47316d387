/** A saved `hotkeys --json` report, read for the keys that processes of the library are to serve from memory. */
import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { describeError, invalid } from '../errors.js'
import type { Candidate } from '../hotkeys/choose-local.js'
import { printable } from '../printable.js'

const shape = v.object({
  schema: v.pipe(v.string(), v.regex(/^cachectl\/hotkeys\/v\d+$/)),
  keys: v.array(
    v.object({
      keyBase64: v.optional(v.pipe(v.string(), v.base64())),
      certainty: v.optional(v.string()),
      commands: v.optional(v.record(v.string(), v.number()), {}),
      suggestion: v.optional(v.object({ action: v.string(), reason: v.optional(v.string(), '') })),
    }),
  ),
})

/** In the report's order. Errors: `invalid`: not readable, no such report, or one without keys' bytes. */
export async function readHotKeysReport(path: string): Promise<Candidate[]> {
  const fail = (why: string, cause?: unknown) =>
    invalid(
      `--from ${printable(path)}: ${why}`,
      'Save one with `cachectl hotkeys --json > report.json`.',
      cause,
    )
  let parsed: unknown
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw fail(describeError(error), error)
  }
  const found = v.safeParse(shape, parsed)
  if (!found.success) throw fail('no report of `cachectl hotkeys`')
  return found.output.keys.map(({ keyBase64, certainty, commands, suggestion }, index) => {
    if (keyBase64 === undefined) throw fail('its keys are redacted')
    return {
      name: Buffer.from(keyBase64, 'base64').toString('latin1'),
      // its order is all that counts
      opsPerSec: found.output.keys.length - index,
      isCertain: certainty !== 'possible',
      commands,
      ...(suggestion ? { suggestion } : {}),
    }
  })
}
