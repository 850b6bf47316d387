/** Writes a changed topology back, atomically. */
import { readFile } from 'node:fs/promises'
import { describeError, refused, stopped } from '../errors.js'
import { printable } from '../printable.js'
import type { Topology } from '../ring/topology.js'
import { editTopology } from './edit-topology-text.js'
import { parseTopology, type TopologyFile } from './topology-file.js'

/** Refuses when the file is not what was loaded: somebody else's edit must not be lost. */
export async function writeTopology(file: TopologyFile, after: Topology): Promise<TopologyFile> {
  const text = editTopology(file.text, after)
  const topology = parseTopology(text, file.path)
  const { default: writeFileAtomic } = await import('write-file-atomic')
  try {
    const current = (await readFile(file.path, 'utf8')).replace(/^\ufeff/, '')
    if (current !== file.text) {
      throw refused(
        `topology ${printable(file.path)} was edited while the keys moved; it was not overwritten`,
        `The servers now hold the new ring. Bring these nodes into the file yourself:\n${text}`,
      )
    }
    await writeFileAtomic(file.path, text)
  } catch (error) {
    if (error instanceof Error && error.name === 'CachectlError') throw error
    throw stopped(
      `topology ${printable(file.path)}: ${describeError(error)}; the keys have moved, the file says otherwise`,
      'Make the file writable and run the same command again: it finds nothing to move and writes the file.',
      error,
    )
  }
  return { ...file, text, topology }
}
