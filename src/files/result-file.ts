/** A run's result on disk. Opened before the run: a path that can't be written is known before the load, not after it. */
import { type FileHandle, open } from 'node:fs/promises'
import { describeError, invalid, stopped } from '../errors.js'
import { printable } from '../printable.js'

export interface ResultFile {
  write(text: string): Promise<void>
  close(): Promise<void>
}

/** Errors name the file and the system's reason: `invalid` where it can't be opened, `stopped` where writing fails. */
export async function openResultFile(path: string): Promise<ResultFile> {
  const problem = (error: unknown) => `result file ${printable(path)}: ${describeError(error)}`
  const file: FileHandle = await open(path, 'w').catch((error: unknown) => {
    throw invalid(problem(error), 'Nothing was run.', error)
  })
  return {
    write: async (text) => {
      try {
        await file.writeFile(text)
        // devices and pipes have nothing to sync
        if ((await file.stat()).isFile()) await file.sync()
      } catch (error) {
        throw stopped(problem(error), 'What was measured stands on standard output.', error)
      }
    },
    close: () => file.close(),
  }
}

const numberList = /\[\n\s+((?:-?\d[^\s,]*|null)(?:,\n\s+(?:-?\d[^\s,]*|null))*)\n\s+\]/g

/** Indented for people, but a column of numbers is one line: a series would have more lines than the rest together. */
export function toJsonText(value: unknown): string {
  const text = JSON.stringify(value, null, 2)
  return `${text.replace(numberList, (_, list: string) => `[${list.replace(/\s+/g, ' ')}]`)}\n`
}
