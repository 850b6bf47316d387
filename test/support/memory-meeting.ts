/** A place to meet in memory, for agents and coordinators of one process; the store can be away. */
import type { MeetingPort } from '../../src/cache/ports.js'
import { unreachable } from '../../src/errors.js'

export interface MemoryStore {
  readonly texts: Map<string, string>
  isAway: boolean
  open(): MeetingPort
}

/** Texts do not expire: tests are over sooner. */
export function createMemoryStore(): MemoryStore {
  const texts = new Map<string, string>()
  const store: MemoryStore = { texts, isAway: false, open }
  const here = async () => {
    if (store.isAway) throw unreachable('control store memory: away')
  }
  const namesOf = (prefix: string) => [...texts.keys()].filter((name) => name.startsWith(prefix)).sort()
  function open(): MeetingPort {
    return {
      place: 'memory',
      put: async (name, text) => {
        await here()
        texts.set(name, text)
      },
      get: async (name) => {
        await here()
        return texts.get(name)
      },
      list: async (prefix) => {
        await here()
        return namesOf(prefix).map((name) => ({ name, text: texts.get(name)! }))
      },
      remove: async (prefix) => {
        await here()
        for (const name of namesOf(prefix)) texts.delete(name)
      },
      close: async () => {},
    }
  }
  return store
}
