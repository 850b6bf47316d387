/** Key names as reports show them: names tell about users, and reports are passed around. */
import { createHmac } from 'node:crypto'
import { printable } from '../printable.js'
import { prefixesOf } from './prefixes.js'

export const redactions = ['hash', 'prefix'] as const
export type Redaction = (typeof redactions)[number]

export interface ShownKey {
  /** Safe to print. */
  readonly key: string
  /** null: redacted. */
  readonly keyBase64: string | null
}

/** Names are latin1 text. */
export interface KeyNames {
  key(name: string): ShownKey
  prefix(prefix: string): ShownKey
}

const hashChars = 12

/**
 * `hash`: a keyed hash in place of the name, the same for the same key as long as the secret is. `prefix`: the same behind
 * the name's last delimiter.
 */
export function keyNames(redaction: Redaction | undefined, secret: Uint8Array): KeyNames {
  if (!redaction) return { key: plain, prefix: plain }
  const hash = (name: string) =>
    createHmac('sha256', secret).update(Buffer.from(name, 'latin1')).digest('hex').slice(0, hashChars)
  const hashed = (name: string): ShownKey => ({ key: `#${hash(name)}`, keyBase64: null })
  if (redaction === 'hash') return { key: hashed, prefix: hashed }
  return {
    key: (name) => ({
      key: `${printable(Buffer.from(prefixesOf(name).at(-1) ?? '', 'latin1'))}#${hash(name)}`,
      keyBase64: null,
    }),
    prefix: plain,
  }
}

function plain(name: string): ShownKey {
  const bytes = Buffer.from(name, 'latin1')
  return { key: printable(bytes), keyBase64: bytes.toString('base64') }
}
