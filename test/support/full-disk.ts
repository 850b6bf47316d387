/**
 * Preloaded into the CLI: the disk is full from the `FULL_FROM`th time on (from 1) that it opens the journal to write;
 * the kernel itself says so, through /dev/full.
 */
import files from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { isForWriting } from './die-at.js'

const from = Number(process.env.FULL_FROM)
let opened = 0

const { open } = files
files.open = (path, flags, mode) => {
  if (!String(path).endsWith('journal') || !isForWriting(flags) || ++opened < from)
    return open(path, flags, mode)
  return open('/dev/full', 'a')
}
syncBuiltinESMExports()
