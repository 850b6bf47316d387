/** A run's result on disk. Opened before the run: a path that can't be written is known before the load, not after it. */
import { type FileHandle, open } from 'node:fs/promises'
import { describeError, stopped } from '../errors.js'
import { printable } from '../printable.js'

export interface ResultFile {
  write(result: unknown): Promise<void>
  close(): Promise<void>
}

/** Errors: `stopped`, naming the file and the system's reason (no space, no right). */
export async function openResultFile(path: string): Promise<ResultFile> {
  const fail = (error: unknown) =>
    stopped(`result file ${printable(path)}: ${describeError(error)}`, undefined, error)
  const file: FileHandle = await open(path, 'w').catch((error: unknown) => {
    throw fail(error)
  })
  return {
    write: async (result) => {
      try {
        await file.writeFile(`${JSON.stringify(result, null, 2)}\n`)
        // devices and pipes have nothing to sync
        if ((await file.stat()).isFile()) await file.sync()
      } catch (error) {
        throw fail(error)
      }
    },
    close: () => file.close(),
  }
}
