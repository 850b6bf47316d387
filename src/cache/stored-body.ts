/**
 * What the cache puts under a key at L2, after the mark and the stamp that its server sets:
 *
 *   version, 20 digits · flags, 1 byte · codec, 1 byte · stale time, ms, 4 bytes · load time, µs, 4 bytes
 *   · number of tags, 2 bytes · each tag: lengths of name (2) and version (1), name, version · the value's bytes
 *
 * Numbers are big-endian. Freshness is no time of day: it ends when the stale time is all that is left of the key's life.
 */

export interface StoredBody {
  /** Of the source's row, ≥ 0; 0 where the application does not tell. */
  readonly version: bigint
  /** The source of truth has nothing under this key. */
  readonly isNull: boolean
  readonly codecId: number
  /** So long the value may be served after it was fresh. */
  readonly staleMs: number
  /** What its load took. */
  readonly loadMs: number
  readonly tags: readonly StoredTag[]
  readonly bytes: Uint8Array
}

export interface StoredTag {
  readonly name: string
  readonly version: string
}

export const versionDigits = 20
const fixedBytes = versionDigits + 1 + 1 + 4 + 4 + 2
const nullFlag = 1
const uint32 = 2 ** 32 - 1

export function versionText(version: bigint): string {
  return version.toString().padStart(versionDigits, '0')
}

export function encodeBody(body: StoredBody): Buffer {
  const tags = body.tags.map(({ name, version }) => ({
    name: Buffer.from(name),
    version: Buffer.from(version),
  }))
  const tagBytes = tags.reduce((sum, { name, version }) => sum + 3 + name.length + version.length, 0)
  const out = Buffer.allocUnsafe(fixedBytes + tagBytes + body.bytes.length)
  out.write(versionText(body.version), 'latin1')
  let at = versionDigits
  out[at++] = body.isNull ? nullFlag : 0
  out[at++] = body.codecId
  at = out.writeUInt32BE(Math.min(uint32, Math.round(body.staleMs)), at)
  at = out.writeUInt32BE(Math.min(uint32, Math.round(body.loadMs * 1_000)), at)
  at = out.writeUInt16BE(tags.length, at)
  for (const { name, version } of tags) {
    at = out.writeUInt16BE(name.length, at)
    out[at++] = version.length
    at += name.copy(out, at)
    at += version.copy(out, at)
  }
  out.set(body.bytes, at)
  return out
}

/** undefined: not written by this library, or by another version of it. */
export function decodeBody(body: Buffer): (StoredBody & { readonly bytes: Buffer }) | undefined {
  if (body.length < fixedBytes) return undefined
  const digits = body.toString('latin1', 0, versionDigits)
  if (!/^\d+$/.test(digits)) return undefined
  let at = versionDigits
  const flags = body[at++]!
  const codecId = body[at++]!
  const staleMs = body.readUInt32BE(at)
  const loadMs = body.readUInt32BE(at + 4) / 1_000
  const tagCount = body.readUInt16BE(at + 8)
  at += 10
  const tags: StoredTag[] = []
  for (let index = 0; index < tagCount; index++) {
    if (at + 3 > body.length) return undefined
    const nameEnd = at + 3 + body.readUInt16BE(at)
    const end = nameEnd + body[at + 2]!
    if (end > body.length) return undefined
    tags.push({
      name: body.toString('utf8', at + 3, nameEnd),
      version: body.toString('latin1', nameEnd, end),
    })
    at = end
  }
  return {
    version: digits === noVersion ? 0n : BigInt(digits),
    isNull: (flags & nullFlag) !== 0,
    codecId,
    staleMs,
    loadMs,
    tags,
    bytes: body.subarray(at),
  }
}

const noVersion = '0'.repeat(versionDigits)
