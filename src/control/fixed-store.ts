/** The control store of a ring that nobody changes: one state, in memory. It promises no operator anything. */
import type { ControlStore } from '../cache/ports.js'
import { refused } from '../errors.js'
import { firstState } from '../ring/epoch.js'
import type { Topology } from '../ring/topology.js'

export function createFixedStore(topology: Topology): ControlStore {
  const stored = { revision: '1', state: firstState(topology) }
  const cannot = () => refused(`ring ${topology.name} is fixed: it has no control store`)
  return {
    name: 'none: the ring is fixed',
    load: async () => stored,
    compareAndSwap: async () => {
      throw cannot()
    },
    watch: async function* (signal) {
      yield stored
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve()
        else signal.addEventListener('abort', () => resolve(), { once: true })
      })
    },
    acquireLease: async () => {
      throw cannot()
    },
    leaseHolder: async () => undefined,
    putClient: async () => {},
    removeClient: async () => {},
    clients: async () => [],
    putNotice: async () => {
      throw cannot()
    },
    replaceNotice: async () => {
      throw cannot()
    },
    notice: async () => undefined,
    close: async () => {},
  }
}
