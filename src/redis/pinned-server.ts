/**
 * A node is the server that answered first: one that was restarted, or an address that leads to another server since,
 * may have lost what we rely on, and is refused (https://redis.io/docs/latest/commands/info/: run_id).
 */
import { refused } from '../errors.js'
import { printable } from '../printable.js'
import type { OpenConnection } from './resp-connection.js'
import { nodeName } from './socket.js'

/** Opens connections as `open` does, to the same servers only; nodes are told apart by their ids. */
export function pinServers(open: OpenConnection): OpenConnection {
  const runIds = new Map<string, string>()
  return async (access, options) => {
    const connection = await open(access, options)
    const info = String(await connection.call('INFO', 'server'))
    const runId = /^run_id:(\S+)/m.exec(info)?.[1] ?? ''
    const { node } = access
    const first = runIds.get(node.id) ?? runId
    runIds.set(node.id, first)
    if (first === runId) return connection
    connection.close()
    throw refused(
      `node ${nodeName(node)}: this is not the server that it was when the change began (run_id ${printable(first.slice(0, 8))}…, now ${printable(runId.slice(0, 8))}…)`,
      'It was restarted or has failed over, or the name leads elsewhere now. `cachectl ring resume` goes on with it as it is; ' +
        'keys that it has lost are lost.',
    )
  }
}
