import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { withFleet } from '../../src/redis/fleet.js'
import { gateKey } from '../../src/redis/gate.js'
import { openConnection } from '../../src/redis/resp-connection.js'
import { startServers, type TestServers } from '../support/redis-servers.js'

describe('the fleet of a change', () => {
  let servers: TestServers
  before(async () => {
    servers = await startServers(1)
  })
  after(() => servers.stop())

  it('raises a gate for the operator that has the node, and never for one before', async () => {
    const { node } = servers.servers[0]!
    const raise = (token: number, epoch: number) => ({ epoch, replicas: 0, token })
    const options = { operatorName: 'cc-op:one', open: openConnection, clock: systemClock }
    await withFleet([{ node }], options, async (fleet) => {
      await fleet.takeOver({ token: 7, force: false })
      await fleet.raiseGates([node.id], raise(7, 4))
      await fleet.takeOver({ token: 8, force: false })
      await assert.rejects(fleet.raiseGates([node.id], raise(7, 5)), { exitCode: 5, message: /FENCED/ })
      await fleet.raiseGates([node.id], raise(8, 3))
    })
    assert.equal(String(await (await servers.connect(0)).call('GET', gateKey)), '4')
  })
})
