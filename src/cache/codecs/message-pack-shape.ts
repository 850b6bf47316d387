/**
 * A damaged length must not cost memory: five bytes can announce an array of four thousand million, for which a decoder
 * makes room before it looks for its elements. Each element takes a byte at least, so that what is announced and not yet
 * there is never more than the bytes that are left.
 */

/** Throws a RangeError where that does not hold, or the bytes end too early. */
export function checkShape(bytes: Buffer): void {
  let announced = 1
  for (let at = 0; announced > 0; ) {
    if (announced > bytes.length - at) throw new RangeError('MessagePack announces more than there is')
    const head = bytes[at++]!
    announced -= 1
    if (head < 0x80 || head >= 0xe0) continue
    if (head < 0x90) announced += 2 * (head & 0x0f)
    else if (head < 0xa0) announced += head & 0x0f
    else if (head < 0xc0) at += head & 0x1f
    else {
      const { lengthBytes, fixed, items } = forms[head - 0xc0]!
      if (at + lengthBytes > bytes.length) throw new RangeError('MessagePack ends too early')
      const length = lengthBytes === 0 ? 0 : bytes.readUIntBE(at, lengthBytes)
      at += lengthBytes + fixed
      if (items > 0) announced += items * length
      else at += length
    }
  }
}

interface Form {
  /** Of the length that follows the head. */
  readonly lengthBytes: number
  /** Bytes besides, whatever the length. */
  readonly fixed: number
  /** Objects for each of the length: 1 in arrays, 2 in maps; 0: the length counts bytes. */
  readonly items: 0 | 1 | 2
}

const plain = (fixed: number): Form => ({ lengthBytes: 0, fixed, items: 0 })
const sized = (lengthBytes: number, { fixed = 0, items = 0 as Form['items'] } = {}): Form => ({
  lengthBytes,
  fixed,
  items,
})

/** By head, from 0xc0 to 0xdf. */
const forms: readonly Form[] = [
  ...[plain(0), plain(0), plain(0), plain(0)], // nil, (never used), false, true
  ...[sized(1), sized(2), sized(4)], // bin
  ...[sized(1, { fixed: 1 }), sized(2, { fixed: 1 }), sized(4, { fixed: 1 })], // ext, with its type
  ...[plain(4), plain(8)], // float
  ...[plain(1), plain(2), plain(4), plain(8)], // uint
  ...[plain(1), plain(2), plain(4), plain(8)], // int
  ...[plain(2), plain(3), plain(5), plain(9), plain(17)], // fixext, with its type
  ...[sized(1), sized(2), sized(4)], // str
  ...[sized(2, { items: 1 }), sized(4, { items: 1 })], // array
  ...[sized(2, { items: 2 }), sized(4, { items: 2 })], // map
]
