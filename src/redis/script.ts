/** A script that servers keep by its hash. */
import { createHash } from 'node:crypto'

export interface Script {
  /** For messages. */
  readonly name: string
  readonly text: string
  /** As bytes: it goes out with every call. */
  readonly sha: Buffer
}

export function scriptOf(name: string, text: string): Script {
  return { name, text, sha: Buffer.from(createHash('sha1').update(text).digest('hex')) }
}
