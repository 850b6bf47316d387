import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { runCli, startCli } from '../support/cli.js'

describe('demo', () => {
  async function workspaces(): Promise<string[]> {
    return (await readdir(tmpdir())).filter((name) => name.startsWith('cachectl-demo-'))
  }

  it('plays every step with the promised exit code, and cleans up', async () => {
    const before = await workspaces()
    const { exitCode, stdout, stderr } = await runCli(['demo', '--json'])
    assert.equal(exitCode, 0, stderr)
    const { steps } = JSON.parse(stdout)
    assert.deepEqual(
      steps.map((step: { exitCode: number }) => step.exitCode),
      [0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0],
    )
    assert.deepEqual(await workspaces(), before)
  })

  it('Ctrl-C: the servers go down, the folder goes', async () => {
    const before = await workspaces()
    const { child, result } = startCli(['demo'])
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.includes('50,000 keys are written')) child.kill('SIGINT')
    })
    const { exitCode, stdout } = await result
    assert.equal(exitCode, 130)
    assert.match(stdout, /n3 .*stopped/)
    assert.deepEqual(await workspaces(), before)
  })
})
