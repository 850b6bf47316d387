/** The published set with what it means now: time left, the nodes of owners and copies, who follows it. */
import type { ControlStore } from '../../cache/ports.js'
import { copyName, type HotSet } from '../../hotkeys/hot-set.js'
import { printable } from '../../printable.js'
import { buildRing } from '../../ring/build-ring.js'
import type { Topology } from '../../ring/topology.js'

export interface ShownHotSet extends HotSet {
  readonly control: string
  /** Processes that follow the store, by their signs of life. */
  readonly processCount: number
  readonly wallMs: number
  readonly placed: readonly {
    readonly owner: string
    readonly copies: readonly { readonly salt: number; readonly node: string }[]
  }[]
  readonly warnings: readonly string[]
}

/** The topology that owns keys now: the store's, or the file's where the store has none. */
export async function presentRing(
  control: Pick<ControlStore, 'load'>,
  file: Topology,
): Promise<{ readonly topology: Topology; readonly isChanging: boolean; readonly isKept: boolean }> {
  const stored = await control.load()
  if (!stored) return { topology: file, isChanging: false, isKept: false }
  return { topology: stored.state.before, isChanging: stored.state.phase !== 'stable', isKept: true }
}

export async function showHotSet(
  set: HotSet,
  { control, file, wallMs }: { control: ControlStore; file: Topology; wallMs: number },
): Promise<ShownHotSet> {
  const { topology, isChanging, isKept } = await presentRing(control, file)
  const ring = buildRing(topology)
  const ownerOf = (name: Buffer) => topology.nodes[ring.ownerIndex(name)]!.id
  const placed = set.split.map(({ key, salts }) => ({
    owner: ownerOf(key),
    copies: salts.map((salt) => ({ salt, node: ownerOf(copyName(key, salt, topology.ring.hashTag)) })),
  }))
  const warnings: string[] = []
  if (!isKept)
    warnings.push('no process of the library can follow: the store holds no ring yet (`cachectl ring apply`)')
  if (isChanging) warnings.push('the ring is being changed: nodes are those of before')
  placed.forEach(({ owner, copies }, index) => {
    const nodes = new Set([owner, ...copies.map(({ node }) => node)])
    if (nodes.size <= copies.length)
      warnings.push(
        `${printable(set.split[index]!.key, 40)}: two of its copies are on one node since the ring has changed: split it again`,
      )
  })
  const processCount = (await control.clients()).length
  return { ...set, control: control.name, processCount, wallMs, placed, warnings }
}
