/** The same code over seams that break one rule each: a simulation that does not find them finds nothing. */
import type { ControlStore } from '../../src/cache/ports.js'
import type { OpenConnection } from '../../src/redis/resp-connection.js'

export type Role = 'client' | 'operator'

export interface Weakness {
  open?(open: OpenConnection, role: Role): OpenConnection
  control?(control: ControlStore, role: Role): ControlStore
}
