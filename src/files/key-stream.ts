/** Keys as bytes from a stream: one a line, or separated by NUL bytes so that any other byte may stand in them. */

/** The last key needs no separator; an empty line is the empty key. */
export async function* readKeys(
  stream: AsyncIterable<Buffer>,
  separator: 'line' | 'nul',
): AsyncGenerator<Buffer> {
  const end = separator === 'nul' ? 0 : 10
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of stream) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    let start = 0
    for (let at = bytes.indexOf(end); at >= 0; at = bytes.indexOf(end, start)) {
      yield bytes.subarray(start, at)
      start = at + 1
    }
    rest = bytes.subarray(start)
  }
  if (rest.length > 0) yield rest
}
