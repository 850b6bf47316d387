// Prints src/hotkeys/redis7-commands.ts' table from the COMMAND of the server at PORT (Redis 7.0): node scripts/command-table.mjs PORT
import { commandEntries } from '../dist/src/redis/command-entries.js'
import { openConnection } from '../dist/src/redis/resp-connection.js'

const port = Number(process.argv[2])
const connection = await openConnection({
  node: { id: 'n1', address: { kind: 'tcp', host: '127.0.0.1', port }, db: 0 },
})
const entries = commandEntries(await connection.call('COMMAND'))
connection.close()

const groups = new Map()
const add = ({ name, keySpecs, parts }) => {
  for (const part of parts ?? []) add(part)
  if (keySpecs.length === 0 && !name.includes('|')) return
  const text = keySpecs.map(specText).join(' ')
  groups.set(text, [...(groups.get(text) ?? []), name])
}
const specText = ({ begin, find }) => {
  const where = 'index' in begin ? begin.index : `${begin.keyword}@${begin.from}`
  const which =
    'countAt' in find
      ? `#${find.countAt},${find.first},${find.step}`
      : `+${find.last},${find.step},${find.limit}`
  return `${where}${which}`
}
for (const { shape } of entries) add(shape)
for (const [specs, names] of [...groups].sort()) console.log(`  '${specs}': '${names.sort().join(' ')}',`)
