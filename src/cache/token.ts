/** Names of leases and markers: unique over all processes. They are no secret, so that chance names the process only. */
import { randomBytes } from 'node:crypto'

const processName = randomBytes(12).toString('base64url')
let count = 0

export function freshToken(): string {
  count += 1
  return processName + count.toString(36)
}
