/** A run's result on disk. Opened before the run: a path that can't be written is known before the load, not after it. */
import { type FileHandle, open } from 'node:fs/promises'
import { describeError, invalid, stopped } from '../errors.js'
import { printable } from '../printable.js'

export interface ResultFile {
  write(result: unknown): Promise<void>
  close(): Promise<void>
}

/** Errors name the file and the system's reason: `invalid` where it can't be opened, `stopped` where writing fails. */
export async function openResultFile(path: string): Promise<ResultFile> {
  const problem = (error: unknown) => `result file ${printable(path)}: ${describeError(error)}`
  const file: FileHandle = await open(path, 'w').catch((error: unknown) => {
    throw invalid(problem(error), 'Nothing was run.', error)
  })
  return {
    write: async (result) => {
      try {
        await file.writeFile(`${JSON.stringify(result, null, 2)}\n`)
        // devices and pipes have nothing to sync
        if ((await file.stat()).isFile()) await file.sync()
      } catch (error) {
        throw stopped(problem(error), 'What was measured stands on standard output.', error)
      }
    },
    close: () => file.close(),
  }
}
