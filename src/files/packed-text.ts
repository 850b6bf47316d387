/** Long texts for a place that holds short ones: packed (DEFLATE, RFC 1951), in base64. */
import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import { describeError, refused } from '../errors.js'

const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)

/** An hour of 24 nodes is about 200 MB unpacked. */
const maxBytes = 512 * 2 ** 20

export async function packText(text: string): Promise<string> {
  return (await deflate(text)).toString('base64')
}

/** Errors: `refused` for what is not packed, or is larger than anything of ours. */
export async function unpackText(packed: string): Promise<string> {
  try {
    return (await inflate(Buffer.from(packed, 'base64'), { maxOutputLength: maxBytes })).toString()
  } catch (error) {
    throw refused(`a text that can't be unpacked: ${describeError(error)}`, undefined, error)
  }
}
