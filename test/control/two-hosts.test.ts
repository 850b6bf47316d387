import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findEtcd } from '../support/etcd.js'
import type { OperatorReport } from '../support/host-of-operator.js'
import { startTwoHosts, type TwoHosts } from '../support/network-namespaces.js'

const run = promisify(execFile)
const script = new URL('../support/host-of-operator.js', import.meta.url).pathname
const hasEtcd = (await findEtcd()) !== undefined

describe(`ring add with an application on another host, by etcd${hasEtcd ? '' : ' (skipped: no etcd on PATH)'}`, () => {
  let hosts: TwoHosts | undefined
  before(async function () {
    if (!hasEtcd) this.skip()
    hosts = await startTwoHosts()
  })
  after(() => hosts?.close())

  it('is followed within a second, without a restart, and nothing is lost', async () => {
    const [command, ...args] = [
      ...(hosts?.first ?? []),
      ...[process.execPath, script, hosts?.address ?? '127.0.0.1', ...(hosts?.second ?? [])],
    ] as [string, ...string[]]
    const { stdout } = await run(command, args, { timeout: 50_000 })
    const report = JSON.parse(stdout) as OperatorReport
    const where = hosts ? 'in another network namespace' : 'on this host (no network namespaces here)'
    console.log(`      followed after ${JSON.stringify(report.delaysMs)} ms, ${where}`)
    assert.deepEqual(Object.keys(report.delaysMs), ['prepare', 'migrate', 'commit'])
    for (const [step, ms] of Object.entries(report.delaysMs)) {
      assert.ok(ms >= 0 && ms < 1_000, `${step}: ${ms} ms`)
    }
    assert.deepEqual(report.client.failures, [])
    assert.ok(report.client.operations > 0)
    assert.equal(report.client.epoch, 4)
    assert.equal(report.client.pid, report.clientPid)
    assert.ok(report.movedKeyCount > 0)
    assert.deepEqual(report.fencedClients, [])
    assert.equal(report.clientFileIsUntouched, true)
    assert.equal(report.checkExitCode, 0)
  })
})
