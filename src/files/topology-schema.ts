/** The shape of a topology file, closed: an unknown field is an error, because a misspelt one would be ignored. */
import * as v from 'valibot'
import { defaultHash, defaultPointsPerWeight, hashesFor } from '../ring/algorithms.js'
import { algorithms, hashNames, type NodeSpec, type RingSpec, type Topology } from '../ring/topology.js'
import { parseControlUrl } from './control-url.js'
import { parseNodeUrl } from './node-url.js'

const text = v.pipe(v.string('expected a text'), v.nonEmpty('expected a text that is not empty'))
const name = v.pipe(
  v.string('expected a name'),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
    'expected 1 to 64 letters, digits, dots, dashes or underscores',
  ),
)
const count = (max: number) =>
  v.pipe(
    v.number('expected a whole number'),
    v.integer('expected a whole number'),
    v.minValue(1, 'expected a whole number from 1'),
    v.maxValue(max, `expected a whole number up to ${max}`),
  )

const tls = v.strictObject({
  ca: v.optional(text),
  cert: v.optional(text),
  key: v.optional(text),
  servername: v.optional(text),
  insecure: v.optional(v.boolean('expected true or false')),
})

const ring = v.strictObject({
  algorithm: v.optional(v.picklist(algorithms, `expected one of ${algorithms.join(', ')}`)),
  hash: v.optional(v.picklist(hashNames, `expected one of ${hashNames.join(', ')}`)),
  hashTag: v.optional(
    v.pipe(
      v.string('expected two characters'),
      v.regex(/^[\x21-\x7e]{2}$/, 'expected two ASCII characters, as in "{}"'),
    ),
  ),
  pointsPerWeight: v.optional(count(10_000)),
  charSign: v.optional(v.picklist(['signed', 'unsigned'], 'expected signed or unsigned')),
})

const url = v.pipe(
  v.string('expected a URL such as redis://127.0.0.1:6379'),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const parsed = parseNodeUrl(dataset.value)
    if (typeof parsed !== 'string') return parsed
    addIssue({ message: parsed })
    return NEVER
  }),
)

const node = v.strictObject({
  id: name,
  url,
  weight: v.optional(count(1000)),
  zone: v.optional(name),
  label: v.optional(text),
  tls: v.optional(tls),
  username: v.optional(text),
  passwordEnv: v.optional(
    v.pipe(text, v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable')),
  ),
  passwordFile: v.optional(text),
  replicas: v.optional(
    v.pipe(
      v.array(url, 'expected a list of URLs'),
      v.minLength(1, 'expected at least one URL'),
      v.maxLength(100, 'expected at most 100 URLs'),
    ),
  ),
})

const controlUrl = v.pipe(
  v.string('expected a URL such as redis://127.0.0.1:6400'),
  v.rawCheck(({ dataset, addIssue }) => {
    const parsed = dataset.typed ? parseControlUrl(dataset.value) : undefined
    if (typeof parsed === 'string') addIssue({ message: parsed })
  }),
)

const control = v.strictObject({
  url: controlUrl,
  username: v.optional(text),
  passwordEnv: v.optional(text),
  passwordFile: v.optional(text),
})

export type ControlSpec = v.InferOutput<typeof control>

export const topologySchema = v.strictObject({
  name,
  ring: v.optional(ring),
  control: v.optional(control),
  nodes: v.pipe(
    v.array(node, 'expected a list of nodes'),
    v.minLength(1, 'expected at least one node'),
    v.maxLength(10_000, 'expected at most 10,000 nodes'),
  ),
})

type Parsed = v.InferOutput<typeof topologySchema>

/** Field names by the path's shape (`nodes.*`), for the nearest name of an unknown field. */
export const knownFields: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(topologySchema.entries),
  ring: Object.keys(ring.entries),
  control: Object.keys(control.entries),
  'nodes.*': Object.keys(node.entries),
  'nodes.*.tls': Object.keys(tls.entries),
}

/** Fills in the defaults. */
export function toTopology(parsed: Parsed): Topology {
  return { name: parsed.name, ring: toRing(parsed.ring ?? {}), nodes: parsed.nodes.map(toNode) }
}

/** A parsed ring section with its defaults, which depend on the algorithm. */
function toRing(parsed: NonNullable<Parsed['ring']>): RingSpec {
  const algorithm = parsed.algorithm ?? 'ring'
  return {
    algorithm,
    hash: parsed.hash ?? defaultHash(algorithm),
    ...(parsed.hashTag === undefined ? {} : { hashTag: parsed.hashTag }),
    pointsPerWeight: parsed.pointsPerWeight ?? defaultPointsPerWeight(algorithm),
    charSign: parsed.charSign ?? 'signed',
  }
}

/** What the schema alone can't say about the ring section: `[field, what was expected]`. */
export function ringProblem(
  parsed: NonNullable<Parsed['ring']>,
): [field: string, message: string] | undefined {
  const algorithm = parsed.algorithm ?? 'ring'
  if (parsed.hash !== undefined && !hashesFor(algorithm).includes(parsed.hash)) {
    return [
      'hash',
      `${parsed.hash} does not go with ${algorithm}, expected one of ${hashesFor(algorithm).join(', ')}`,
    ]
  }
  if (parsed.pointsPerWeight !== undefined && algorithm !== 'ring') {
    return ['pointsPerWeight', `${algorithm} has its own number of points, expected no such field`]
  }
  return undefined
}

function toNode(parsed: Parsed['nodes'][number]): NodeSpec {
  const { url: endpoint, weight, tls: tlsGiven, replicas, ...rest } = parsed
  const tlsSpec = tlsGiven ?? (endpoint.secure ? {} : undefined)
  const optional = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return {
    ...optional,
    id: parsed.id,
    url: endpoint.url,
    address: endpoint.address,
    db: endpoint.db,
    weight: weight ?? 1,
    ...(tlsSpec ? { tls: withoutUndefined(tlsSpec) } : {}),
    ...(replicas ? { replicas: replicas.map(({ url, address }) => ({ url, address })) } : {}),
  }
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
