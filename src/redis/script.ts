/** A script that servers keep by its hash. */
import { createHash } from 'node:crypto'

export interface Script {
  /** For messages. */
  readonly name: string
  readonly text: string
  readonly sha: string
}

export function scriptOf(name: string, text: string): Script {
  return { name, text, sha: createHash('sha1').update(text).digest('hex') }
}
