/** `ring locate`: a line a key for people and pipes, and the JSON that keeps the bytes. */
import type { LocatedKey } from '../operations/locate-keys.js'
import { printable } from '../printable.js'

export interface LocateResult {
  readonly schema: 'cachectl/locate/v1'
  readonly topology: string
  readonly keys: readonly {
    /** Safe to print; not always the key itself. */
    readonly key: string
    readonly keyBase64: string
    readonly owner: string
    readonly replicas?: readonly string[]
  }[]
}

/** `node TAB key`; with replicas their ids, separated by commas. The key is escaped, so that a line is a key. */
export function renderLocated({ key, owners }: LocatedKey): string {
  return `${owners.join(',')}\t${printable(key)}`
}

export function toLocateResult(topology: string, located: readonly LocatedKey[]): LocateResult {
  return {
    schema: 'cachectl/locate/v1',
    topology,
    keys: located.map(({ key, owners }) => ({
      key: printable(key),
      keyBase64: Buffer.from(key).toString('base64'),
      owner: owners[0]!,
      ...(owners.length > 1 ? { replicas: owners } : {}),
    })),
  }
}
