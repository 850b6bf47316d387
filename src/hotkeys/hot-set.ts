/**
 * The published hot set: which keys the processes of the library keep in their own memory, and which they read from copies.
 * A text on the notice board of the control store, on which nothing safe rests (docs/hotkeys.md).
 */
export const hotSetNotice = 'hot-set'
/** More are not hot: n·ln n keys even out a ring of n nodes (Fan et al., SOCC 2011), and every process holds them all. */
export const maxHotKeys = 1_000
export const hotSetSchema = 'cachectl/hot-set/v1'

export interface HotSet {
  /** Larger by one with every publication. */
  readonly generation: number
  /** For people: `pid 812 on host a`. */
  readonly by: string
  readonly publishedMs: number
  readonly local: readonly LocalKey[]
  readonly split: readonly SplitKey[]
}

/** Served from the memory of the process. */
export interface LocalKey {
  /** As it stands on the node. */
  readonly key: Buffer
  /** Wall time, ms: no longer than this. */
  readonly untilMs: number
}

/** Read from its owner or one of its copies, in turns. */
export interface SplitKey {
  readonly key: Buffer
  /** A copy each: see `copyName`. Ascending, distinct, at least 1. */
  readonly salts: readonly number[]
}

export const noHotSet: HotSet = { generation: 0, by: '', publishedMs: 0, local: [], split: [] }

/**
 * The copies of a key stand each on the node that the ring gives to its name. A change of the ring does not carry them: they
 * live for half a second. `hashTag`: the ring's two characters; between them stands what is hashed.
 */
export function copyName(key: Uint8Array, salt: number, hashTag: string | undefined): Buffer {
  const hashed = hashTag ? `${hashTag[0]}${salt}${hashTag[1]}` : String(salt)
  return Buffer.concat([Buffer.from(`${copyPrefix}${hashed}:`, 'latin1'), key])
}

export const copyPrefix = '__cachectl:copy:'

export function formatHotSet({ local, split, ...rest }: HotSet): string {
  return JSON.stringify({
    schema: hotSetSchema,
    ...rest,
    local: local.map(({ key, untilMs }) => ({ key: key.toString('base64'), untilMs })),
    split: split.map(({ key, salts }) => ({ key: key.toString('base64'), salts })),
  })
}
