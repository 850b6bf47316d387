/**
 * The control store of a fleet: etcd 3. Every change is one transaction.
 * The fencing token is the revision that created the lease's key, which only ever grows.
 */
import type { ControlStore, Lease, StoredState } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { refused } from '../errors.js'
import { printable } from '../printable.js'
import { createEtcdGateway, type EtcdAccess, type EtcdGateway, NotThere } from './etcd-gateway.js'
import { watchEtcd } from './etcd-watch.js'
import { parseClient, parseRingState } from './records.js'

const leaseSeconds = 5

/** `ring` separates rings that share an etcd. */
export function createEtcdStore(access: EtcdAccess, ring: string, clock: Clock): ControlStore {
  const base = `/cachectl/${encodeURIComponent(ring)}`
  const key = (part: string) => encode(`${base}/${part}`)
  const gateway = createEtcdGateway(access)
  const { post, name } = gateway
  const textAt = async (part: string): Promise<string | undefined> => {
    const value = (await post('/v3/kv/range', { key: key(part) })).kvs?.[0]?.value
    return value === undefined ? undefined : decode(value)
  }
  const read = async (): Promise<{ stored: StoredState | undefined; revision: string }> => {
    const { kvs, header } = await post('/v3/kv/range', { key: key('state') })
    const found = kvs?.[0]
    const stored = found && {
      revision: found.mod_revision,
      state: parseRingState(decode(found.value ?? ''), `${name} ${base}/state`),
    }
    return { stored, revision: header!.revision }
  }
  return {
    name,
    load: async () => (await read()).stored,
    async compareAndSwap(expected, next) {
      const { succeeded, header } = await post('/v3/kv/txn', {
        compare: [{ target: 'MOD', key: key('state'), mod_revision: expected?.revision ?? '0' }],
        success: [{ request_put: { key: key('state'), value: encode(JSON.stringify(next)) } }],
      })
      return succeeded ? { revision: header!.revision, state: next } : undefined
    },
    watch: (signal) => watchEtcd({ gateway, key: key('state'), read, clock, signal }),
    async acquireLease(holder) {
      const { ID: id } = await post('/v3/lease/grant', { TTL: leaseSeconds })
      const { succeeded, header, responses } = await post('/v3/kv/txn', {
        compare: [{ target: 'CREATE', key: key('lease'), create_revision: '0' }],
        success: [{ request_put: { key: key('lease'), value: encode(holder), lease: id } }],
        failure: [{ request_range: { key: key('lease') } }],
      })
      if (succeeded) return leaseOf(gateway, id!, Number(header!.revision))
      await revoke(gateway, id!)
      const other = responses?.[0]?.response_range?.kvs?.[0]?.value
      throw refused(
        `the ring is being changed by ${printable(other ? decode(other) : 'another operator')} (${name})`,
        'Wait until it has ended; `cachectl ring status` shows how far it is.',
      )
    },
    leaseHolder: () => textAt('lease'),
    async putClient(client) {
      await post('/v3/kv/put', { key: key(`clients/${client.id}`), value: encode(JSON.stringify(client)) })
    },
    async removeClient(id) {
      await post('/v3/kv/deleterange', { key: key(`clients/${id}`) })
    },
    async clients() {
      const { kvs } = await post('/v3/kv/range', {
        key: key('clients/'),
        range_end: encode(`${base}/clients0`),
      })
      return (kvs ?? []).map((found) =>
        parseClient(decode(found.value ?? ''), `${name} ${decode(found.key)}`),
      )
    },
    async putNotice(notice, text) {
      if (text === undefined) await post('/v3/kv/deleterange', { key: key(`notices/${notice}`) })
      else await post('/v3/kv/put', { key: key(`notices/${notice}`), value: encode(text) })
    },
    async replaceNotice(notice, expected, text) {
      const at = key(`notices/${notice}`)
      const { succeeded } = await post('/v3/kv/txn', {
        compare: [
          expected === undefined
            ? { target: 'CREATE', key: at, create_revision: '0' }
            : { target: 'VALUE', key: at, value: encode(expected) },
        ],
        success: [{ request_put: { key: at, value: encode(text) } }],
      })
      return succeeded === true
    },
    notice: (notice) => textAt(`notices/${notice}`),
    close: async () => {},
  }
}

function leaseOf(gateway: EtcdGateway, id: string, token: number): Lease {
  return {
    token,
    renew: async () => Number((await gateway.post('/v3/lease/keepalive', { ID: id })).result?.TTL ?? 0) > 0,
    release: () => revoke(gateway, id),
  }
}

async function revoke({ post }: EtcdGateway, id: string): Promise<void> {
  try {
    await post('/v3/lease/revoke', { ID: id })
  } catch (error) {
    if (!(error instanceof NotThere)) throw error // it has run out: that is the same
  }
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}

function decode(text: string): string {
  return Buffer.from(text, 'base64').toString()
}
