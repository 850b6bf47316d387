/** Texts that are too long for the board, in parts. */

import { type MeetingPort, maxMeetingTextBytes } from '../../cache/ports.js'
import { refused } from '../../errors.js'
import { longTtlSeconds } from './messages.js'

/** `text` is ASCII; how many parts it took. */
export async function putLong(meeting: MeetingPort, name: string, text: string): Promise<number> {
  const parts = Math.max(1, Math.ceil(text.length / maxMeetingTextBytes))
  for (let part = 0; part < parts; part++) {
    const piece = text.slice(part * maxMeetingTextBytes, (part + 1) * maxMeetingTextBytes)
    await meeting.put(`${name}/${part}`, piece, longTtlSeconds)
  }
  return parts
}

/** Errors: `refused` where a part is missing. */
export async function getLong(meeting: MeetingPort, name: string, parts: number): Promise<string> {
  const pieces: string[] = []
  for (let part = 0; part < parts; part++) {
    const piece = await meeting.get(`${name}/${part}`)
    if (piece === undefined)
      throw refused(`${name}: part ${part + 1} of ${parts} is not there (${meeting.place})`)
    pieces.push(piece)
  }
  return pieces.join('')
}
