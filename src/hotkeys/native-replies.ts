/**
 * What servers with hot key detection of their own answer. Both call the command HOTKEYS; the two have nothing else in
 * common. Redis ≥ 8.6: src/hotkeys.c at 1752ce8 (an array of one map) and at 06b30e2 (the map alone, in its tests);
 * Valkey ≥ 9.2: src/hotkeys.c at 0479391. Maps come as RESP2 gives them, name and value in turns.
 */
import type { NodeRanking } from './sampled.js'

type RankedKeys = NodeRanking['keys']

export interface RedisSession {
  readonly isActive: boolean
  /** A key is counted with a chance of one in so many. */
  readonly sampleRatio: number
  /** Server's wall time, ms: what tells one session from another. */
  readonly startedMs: number
  readonly durationMs: number
  /** Of all commands with keys, sampled or not. */
  readonly totalMicros: number
  readonly totalBytes: number
  /** Heaviest first; estimates of all that was done to the key, whatever the ratio. */
  readonly byMicros: RankedKeys
  readonly byBytes: RankedKeys
}

/**
 * undefined: not such a reply. With SAMPLE n the server reports a key's sampled cost as it is, and beside it totals of all
 * commands (https://github.com/redis/redis/issues/15837): weights are multiplied back here, so that shares are right.
 */
export function parseRedisHotkeys(reply: unknown): RedisSession | undefined {
  const [first] = asArray(reply)
  const fields = fieldsOf(Array.isArray(first) ? first : reply)
  const number = (name: string) => Number(fields.get(name))
  const sampleRatio = number('sample-ratio')
  if (!(sampleRatio >= 1) || !Number.isFinite(number('collection-start-time-unix-ms'))) return undefined
  const totalMicros = number('all-commands-all-slots-us') || 0
  const totalBytes = number('net-bytes-all-commands-all-slots') || 0
  return {
    isActive: number('tracking-active') === 1,
    sampleRatio,
    startedMs: number('collection-start-time-unix-ms'),
    durationMs: number('collection-duration-ms') || 0,
    totalMicros,
    totalBytes,
    byMicros: ranked(fields.get('by-cpu-time-us'), sampleRatio, totalMicros),
    byBytes: ranked(fields.get('by-net-bytes'), sampleRatio, totalBytes),
  }
}

function ranked(value: unknown, sampleRatio: number, total: number): RankedKeys {
  const keys = pairsOf(value).flatMap(([name, weight]) =>
    Buffer.isBuffer(name) && typeof weight === 'number'
      ? [{ name: name.toString('latin1'), weight: weight * sampleRatio }]
      : [],
  )
  keys.sort((a, b) => b.weight - a.weight)
  if (total <= 0) return keys
  return keys.map((key) => ({ ...key, share: Math.min(1, key.weight / total) }))
}

/** So many samples rank a node's keys; counting more only costs. */
const enoughSamples = 200_000

/** SAMPLE's ratio for a session of that length. */
export function sampleRatio(opsPerSec: number, durationMs: number): number {
  return Math.max(1, Math.floor((opsPerSec * durationMs) / 1000 / enoughSamples))
}

export interface ValkeyHotKey {
  readonly name: string
  readonly db: number
  /** Accesses a second in the last whole window. */
  readonly opsPerSec: number
}

/** Hottest first; empty: detection is off, nothing was seen, or it was reset just now. undefined: not such a reply. */
export function parseValkeyHotkeys(reply: unknown): ValkeyHotKey[] | undefined {
  if (!Array.isArray(reply)) return undefined
  const keys: ValkeyHotKey[] = []
  for (const entry of reply) {
    const fields = fieldsOf(entry)
    const name = fields.get('key')
    const db = fields.get('db')
    const qps = fields.get('qps')
    if (!Buffer.isBuffer(name) || typeof db !== 'number' || typeof qps !== 'number') return undefined
    keys.push({ name: name.toString('latin1'), db, opsPerSec: qps })
  }
  return keys
}

/** The last whole window, from INFO hotkeys; undefined where the server has none. */
export function parseValkeyWindow(info: string): { samples: number; durationMs: number } | undefined {
  const samples = /^hotkeys_last_window_samples:(\d+)/m.exec(info)?.[1]
  const durationMs = /^hotkeys_last_window_duration_ms:(\d+)/m.exec(info)?.[1]
  if (samples === undefined || durationMs === undefined) return undefined
  return { samples: Number(samples), durationMs: Number(durationMs) }
}

function fieldsOf(value: unknown): Map<string, unknown> {
  return new Map(pairsOf(value).map(([name, field]) => [String(name), field]))
}

function pairsOf(value: unknown): [unknown, unknown][] {
  const items = asArray(value)
  return Array.from({ length: Math.floor(items.length / 2) }, (_, pair) => [
    items[2 * pair],
    items[2 * pair + 1],
  ])
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
