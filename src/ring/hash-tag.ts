/** The part of a key that is hashed (twemproxy `src/nc_server.c`, `server_pool_idx`). */

/** Finds the part and hands its bounds to the hash; no object a key. */
export type TaggedHash = (key: Uint8Array) => number

/** The text between the first `tag[0]` and the next `tag[1]` after it; the whole key where it is missing or empty. */
export function withHashTag(
  hash: (bytes: Uint8Array, start: number, end: number) => number,
  tag: string | undefined,
): TaggedHash {
  if (tag === undefined) return (key) => hash(key, 0, key.length)
  const open = tag.charCodeAt(0)
  const close = tag.charCodeAt(1)
  return (key) => {
    const start = key.indexOf(open)
    if (start < 0) return hash(key, 0, key.length)
    const end = key.indexOf(close, start + 1)
    return end <= start + 1 ? hash(key, 0, key.length) : hash(key, start + 1, end)
  }
}
