import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { redact } from '../../src/errors.js'
import { readPassword } from '../../src/files/secrets.js'
import { testNode } from '../support/redis-servers.js'

describe('passwords', () => {
  const node = testNode('n1', 7001)
  let directory: string
  let passwordFile: string

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cachectl-test-'))
    passwordFile = join(directory, 'password')
  })
  after(() => rm(directory, { recursive: true, force: true }))

  async function fromFile(text: string, mode = 0o600): Promise<string | undefined> {
    await writeFile(passwordFile, text)
    await chmod(passwordFile, mode)
    return readPassword({ ...node, passwordFile }, {})
  }

  it('come from the environment or a file, without its last line break, and are redacted from then on', async () => {
    assert.equal(await readPassword({ ...node, passwordEnv: 'PW' }, { PW: 'from-env' }), 'from-env')
    assert.equal(await fromFile('from-file \n'), 'from-file ')
    assert.equal(redact('from-env and from-file '), '*** and ***')
    assert.equal(await readPassword(node, {}), undefined)
  })

  it('that are missing, empty or open to others are refused, naming the node', async () => {
    await assert.rejects(
      readPassword({ ...node, passwordEnv: 'PW' }, {}),
      /node n1: passwordEnv PW is not set/,
    )
    await assert.rejects(fromFile('\n'), /node n1: passwordFile .* is empty/)
    await assert.rejects(fromFile('pw', 0o640), { exitCode: 2, message: /can be read by others/ })
    await rm(passwordFile)
    await assert.rejects(readPassword({ ...node, passwordFile }, {}), /no such file/)
  })
})
