/**
 * Preloaded into the CLI (`NODE_OPTIONS=--import …`): it dies by SIGKILL at one write to a file or to a server.
 * DIE_AT='rename state.json 2' dies right before the second rename to such a file, 'renamed state.json 2' right after;
 * 'open journal 1' before it is opened to be written; 'write EXEC 1' before a packet with these bytes leaves, 'wrote EXEC 1' after; 'EXEC+x': both.
 */
import { constants } from 'node:fs'
import files from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { Socket } from 'node:net'

const [act, what = '', nth] = (process.env.DIE_AT ?? '').split(' ')
let seen = 0

function dieAt(name: string, isIt: boolean): void {
  if (name === act && isIt && ++seen === Number(nth)) process.kill(process.pid, 'SIGKILL')
}

const { rename, open } = files
files.rename = async (from, to) => {
  dieAt('rename', String(to).endsWith(what))
  await rename(from, to)
  dieAt('renamed', String(to).endsWith(what))
}
files.open = (path, flags, mode) => {
  dieAt('open', String(path).endsWith(what) && isForWriting(flags))
  return open(path, flags, mode)
}
syncBuiltinESMExports()

const { write } = Socket.prototype
Socket.prototype.write = function (this: Socket, ...args: Parameters<typeof write>) {
  const [packet] = args
  const isIt = Buffer.isBuffer(packet) && what.split('+').every((part) => packet.includes(part))
  dieAt('write', isIt)
  const result = write.apply(this, args)
  dieAt('wrote', isIt)
  return result
} as typeof write

export function isForWriting(flags: string | number | undefined): boolean {
  if (typeof flags === 'number') return (flags & (constants.O_WRONLY | constants.O_RDWR)) !== 0
  return /[aw+]/.test(flags ?? 'r')
}
