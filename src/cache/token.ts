/** Names of leases and markers: unique over all processes. */
import { randomBytes } from 'node:crypto'

export function freshToken(): string {
  return randomBytes(12).toString('base64url')
}
