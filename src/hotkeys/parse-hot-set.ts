/** A hot set read back, with checks: other versions and people write there too. Apart, because valibot comes with it. */
import * as v from 'valibot'
import { type HotSet, hotSetSchema, maxHotKeys } from './hot-set.js'

const base64 = v.pipe(
  v.string(),
  v.base64(),
  v.transform((text) => Buffer.from(text, 'base64')),
)
const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(1))
const shape = v.object({
  schema: v.literal(hotSetSchema),
  generation: natural,
  by: v.string(),
  publishedMs: v.number(),
  local: v.pipe(v.array(v.object({ key: base64, untilMs: v.number() })), v.maxLength(maxHotKeys)),
  split: v.pipe(
    v.array(v.object({ key: base64, salts: v.pipe(v.array(natural), v.minLength(1)) })),
    v.maxLength(maxHotKeys),
  ),
})

/** undefined for what is not a hot set, as another version may have written it. */
export function parseHotSet(text: string): HotSet | undefined {
  try {
    const parsed = v.safeParse(shape, JSON.parse(text))
    if (!parsed.success) return undefined
    const { schema: _, ...set } = parsed.output
    return set
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
