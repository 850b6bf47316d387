// Compiles the tree to dist/ and writes oclif's manifest, so that a command starts without searching for commands.
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
rmSync(new URL('../oclif.manifest.json', import.meta.url), { force: true })

const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
const { status } = spawnSync(process.execPath, [tsc], { cwd: root, stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

const { Plugin } = await import('@oclif/core')
const plugin = new Plugin({ root, ignoreManifest: true, errorOnManifestCreate: true })
await plugin.load()
writeFileSync(
  new URL('../oclif.manifest.json', import.meta.url),
  `${JSON.stringify(plugin.manifest, null, 2)}\n`,
)
