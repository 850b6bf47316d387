/** Where processes of one host meet: a folder with a file for each text. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { MeetingPort } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { makePrivateFolder, readIfThere, writeDurably } from './durable-file.js'

/** Its lines: until when it is to stay, ms since the Unix epoch, then the text. */
const head = /^(\d{1,16})\n/

/** `directory` is the control store's; texts are in a folder of their own there, made when it is first written to. */
export function createFileMeeting(directory: string, clock: Clock): MeetingPort {
  const folder = join(directory, 'bench')
  const pathOf = (name: string) => join(folder, encodeURIComponent(name))
  const read = async (name: string): Promise<string | undefined> => {
    const content = await readIfThere(pathOf(name))
    const [line, untilMs] = head.exec(content ?? '') ?? []
    if (content === undefined || line === undefined) return undefined
    if (Number(untilMs) >= clock.wallMs()) return content.slice(line.length)
    // it has its time over: a text that somebody puts in its place this instant goes too, and is put again or missed
    await rm(pathOf(name), { force: true })
    return undefined
  }
  const namesOf = async (prefix: string): Promise<string[]> => {
    const files = await readdir(folder).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      throw error
    })
    return files
      .filter((file) => !file.endsWith('.tmp'))
      .map(decodeURIComponent)
      .filter((name) => name.startsWith(prefix))
      .sort()
  }
  return {
    place: directory,
    async put(name, text, ttlSeconds) {
      await makePrivateFolder(directory)
      await makePrivateFolder(folder)
      await writeDurably(pathOf(name), `${Math.ceil(clock.wallMs() + ttlSeconds * 1_000)}\n${text}`)
    },
    get: read,
    async list(prefix) {
      const names = await namesOf(prefix)
      const texts = await Promise.all(names.map(read))
      return names.flatMap((name, at) => {
        const text = texts[at]
        return text === undefined ? [] : [{ name, text }]
      })
    },
    async remove(prefix) {
      await Promise.all((await namesOf(prefix)).map((name) => rm(pathOf(name), { force: true })))
    },
    close: async () => {},
  }
}
