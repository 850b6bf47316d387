import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findServerBinary } from '../../src/lab/server-binary.js'

describe('the search for a server binary', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  /** A program that answers --version with that line. */
  async function program(folder: string, name: string, version: string): Promise<string> {
    await mkdir(join(directory, folder), { recursive: true })
    const path = join(directory, folder, name)
    await writeFile(path, `#!/bin/sh\necho "${version}"\n`, { mode: 0o755 })
    return path
  }

  it('takes the user’s choice before PATH', async () => {
    const mine = await program('mine', 'my-server', 'Redis server v=7.0.15 sha=0:0 bits=64')
    await program('path', 'redis-server', 'Redis server v=6.2.0 sha=0:0')
    const found = await findServerBinary({ CACHECTL_REDIS_SERVER: mine, PATH: join(directory, 'path') })
    assert.deepEqual(found, { path: mine, env: {}, version: 'Redis 7.0.15', origin: 'CACHECTL_REDIS_SERVER' })
  })

  it('takes valkey-server on PATH before redis-server, wherever in PATH it is', async () => {
    await program('first', 'redis-server', 'Redis server v=7.2.4 sha=0:0')
    const valkey = await program('second', 'valkey-server', 'Valkey server v=8.0.1 sha=0:0')
    const found = await findServerBinary({ PATH: `${join(directory, 'first')}:${join(directory, 'second')}` })
    assert.deepEqual([found.path, found.version, found.origin], [valkey, 'Valkey 8.0.1', 'PATH'])
  })

  it('passes over a file on PATH that is not executable', async () => {
    await mkdir(join(directory, 'plain'))
    await writeFile(join(directory, 'plain', 'valkey-server'), 'text', { mode: 0o644 })
    await program('plain', 'redis-server', 'Redis server v=7.2.4 sha=0:0')
    assert.equal((await findServerBinary({ PATH: join(directory, 'plain') })).version, 'Redis 7.2.4')
  })

  for (const [name, version] of [
    ['is another program', 'GNU bash, version 5.2.15'],
    ['is not there', undefined],
  ] as const) {
    it(`does not fall back when the user’s choice ${name}, but says so`, async () => {
      const path = version ? await program('bad', 'other', version) : join(directory, 'nothing')
      await assert.rejects(findServerBinary({ CACHECTL_REDIS_SERVER: path, PATH: process.env.PATH }), {
        exitCode: 2,
        message: new RegExp(`^server binary ${path} \\(from CACHECTL_REDIS_SERVER\\) does not run: `),
        remedy: /CACHECTL_REDIS_SERVER/,
      })
    })
  }
})
