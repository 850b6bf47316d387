/** The demand for hot keys read back, with checks. Apart, because valibot comes with it. */
import * as v from 'valibot'
import { type HotDemand, hotDemandSchema } from './hot-demand.js'

const shape = v.object({
  schema: v.literal(hotDemandSchema),
  client: v.string(),
  atMs: v.number(),
  hits: v.record(v.pipe(v.string(), v.base64()), v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
})

/** undefined for what is none. */
export function parseHotDemand(text: string): HotDemand | undefined {
  try {
    const parsed = v.safeParse(shape, JSON.parse(text))
    if (!parsed.success) return undefined
    const { client, atMs, hits } = parsed.output
    const named = Object.entries(hits).map(
      ([key, count]) => [Buffer.from(key, 'base64').toString('latin1'), count] as const,
    )
    return { client, atMs, hits: new Map(named) }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
