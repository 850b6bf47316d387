/** Where machines of one run meet, on etcd: a key for each text, bound to a lease that ends by itself. */

import type { MeetingPort } from '../cache/ports.js'
import type { Clock } from '../clock.js'
import { createEtcdGateway, type EtcdAccess, NotThere } from './etcd-gateway.js'

/** Beside every ring's keys (`/cachectl/RING/…`): no ring's name holds an @. */
const base = '/cachectl/@bench/'

export function createEtcdMeeting(access: EtcdAccess, clock: Clock): MeetingPort {
  const { post, name: place } = createEtcdGateway(access)
  /** A lease of twice the time serves every text of the first half: a grant for each put would double the requests. */
  const leases = new Map<number, { id: Promise<string>; untilMs: number }>()
  const leaseOf = (ttlSeconds: number): Promise<string> => {
    const known = leases.get(ttlSeconds)
    if (known && clock.nowMs() < known.untilMs) return known.id
    const id = post('/v3/lease/grant', { TTL: 2 * ttlSeconds }).then(({ ID }) => ID!)
    leases.set(ttlSeconds, { id, untilMs: clock.nowMs() + ttlSeconds * 1_000 })
    id.catch(() => leases.delete(ttlSeconds))
    return id
  }
  const putUnder = async (lease: string, name: string, text: string) => {
    await post('/v3/kv/put', { key: encode(base + name), value: encode(text), lease })
  }
  const range = (prefix: string) => ({ key: encode(base + prefix), range_end: endOf(base + prefix) })
  return {
    place,
    async put(name, text, ttlSeconds) {
      try {
        await putUnder(await leaseOf(ttlSeconds), name, text)
      } catch (error) {
        // a process that was frozen comes back with a lease that has run out
        if (!(error instanceof NotThere)) throw error
        leases.delete(ttlSeconds)
        await putUnder(await leaseOf(ttlSeconds), name, text)
      }
    },
    async get(name) {
      const value = (await post('/v3/kv/range', { key: encode(base + name) })).kvs?.[0]?.value
      return value === undefined ? undefined : decode(value)
    },
    async list(prefix) {
      const { kvs } = await post('/v3/kv/range', range(prefix))
      return (kvs ?? []).map(({ key, value }) => ({
        name: decode(key).slice(base.length),
        text: decode(value ?? ''),
      }))
    },
    async remove(prefix) {
      await post('/v3/kv/deleterange', range(prefix))
    },
    close: async () => {},
  }
}

/** The first key after all that start with the text: no key of ours ends with the byte 255. */
function endOf(text: string): string {
  return Buffer.concat([Buffer.from(text), Buffer.of(255)]).toString('base64')
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}

function decode(text: string): string {
  return Buffer.from(text, 'base64').toString()
}
