/** The library over seams that break one rule each: a play that does not find them finds nothing. */
import type { Weakness } from './cache-world.js'
import { FakeNode } from './fake-node.js'

export const weaknesses: Readonly<Record<string, Weakness & { readonly play?: 'rough' }>> = {
  'a fill does not ask for its lease': {
    Node: class extends FakeNode {
      override fill(...[caller, key, fill]: Parameters<FakeNode['fill']>) {
        return this.put(caller, key, fill)
      }
    },
  },
}
