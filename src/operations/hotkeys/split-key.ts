/** Splits a hot key: readers of the library draw among its owner and copies of it on other nodes. */
import type { StoredValue } from '../../cache/ports.js'
import { invalid, refused } from '../../errors.js'
import { type Copy, chooseSalts } from '../../hotkeys/choose-salts.js'
import { copyName, type HotSet } from '../../hotkeys/hot-set.js'
import { accessesOf } from '../../hotkeys/read-share.js'
import { printable } from '../../printable.js'
import { buildRing } from '../../ring/build-ring.js'
import type { Topology } from '../../ring/topology.js'
import { type CopyPorts, type MadeCopy, makeCopy, readOriginal } from './make-copy.js'
import { changeHotSet, type HotSetBoard, withSplit } from './publish.js'

export interface SplitRequest {
  readonly key: Buffer
  /** undefined: one on every node but the owner. */
  readonly copyCount: number | undefined
  /** Large and often written keys too. */
  readonly force: boolean
  /** The ring as it is. */
  readonly topology: Topology
  /** To another; copies would be chosen by a ring that is about to end. */
  readonly isChanging: boolean
}

export interface SplitPorts extends CopyPorts {
  readonly board: HotSetBoard
  /** Why there is no value of the library, for people; undefined: there may be one. */
  readonly describeForeign: (key: Buffer) => Promise<string | undefined>
  /** A sample of a key's commands on its node: command → count. */
  readonly sampleKey: (node: string, key: Buffer) => Promise<Readonly<Record<string, number>>>
}

export interface SplitResult {
  readonly set: HotSet
  readonly owner: string
  readonly bytes: number
  /** Of the sample; undefined: too few commands were seen to tell. */
  readonly writeShare: number | undefined
  readonly copies: readonly (Copy & MadeCopy)[]
}

const maxBytes = 64 * 1024
const maxWriteShare = 0.1
/** Below that a share says nothing. */
const minCommands = 20

/**
 * Chooses the copies, publishes them and makes each. Errors: `invalid` for a number of copies that the ring has no nodes
 * for, `refused` for what should not be split (a ring of one node, one that is being changed, no value of the library,
 * too large, written too often), `unreachable`, `stopped`.
 */
export async function splitKey(request: SplitRequest, ports: SplitPorts): Promise<SplitResult> {
  const { key, force, topology } = request
  const { l2, board, describeForeign } = ports
  if (request.isChanging)
    throw refused(
      'the ring is being changed: copies would lie where its nodes are before, not after',
      'Wait until `cachectl ring status` says that it is stable; what is split already goes on.',
    )
  const placed = placeCopies(request)
  const original = () => readOriginal(key, l2, describeForeign)
  const value = await original()
  if (!force) refuseLarge(key, value)
  const writeShare = writeShareOf(await ports.sampleKey(placed.owner, key))
  if (!force && writeShare !== undefined && writeShare > maxWriteShare)
    throw refused(
      `${printable(key, 80)}: ${Math.round(writeShare * 100)} % of its commands write, and each write removes all copies`,
      'Split what is read; --force does it all the same.',
    )
  const salts = placed.copies.map(({ salt }) => salt)
  const set = await changeHotSet(withSplit({ key, salts }), board)
  const copies: (Copy & MadeCopy)[] = []
  for (const copy of placed.copies) {
    const name = copyName(key, copy.salt, topology.ring.hashTag)
    copies.push({ ...copy, ...(await makeCopy(key, name, original, ports)) })
  }
  return { set, owner: placed.owner, bytes: value.body.length, writeShare, copies }
}

/** Copies on the nodes that follow the owner, as many as asked for. Errors: as above. */
export function placeCopies({
  key,
  copyCount,
  topology,
}: Pick<SplitRequest, 'key' | 'copyCount' | 'topology'>): { owner: string; copies: Copy[] } {
  const { nodes } = topology
  const most = nodes.length - 1
  if (most === 0) throw refused('the ring has one node: there is no other for a copy', 'Add nodes first.')
  const count = copyCount ?? most
  if (count > most)
    throw invalid(
      `--copies ${count}: the ring has ${nodes.length} nodes, and a second copy on one node helps nobody`,
      `Give at most ${most}.`,
    )
  const ring = buildRing(topology)
  const [owner, ...next] = ring.replicas(key, count + 1).map((index) => nodes[index]!.id)
  const copies = chooseSalts(key, next, {
    hashTag: topology.ring.hashTag,
    ownerOf: (name) => nodes[ring.ownerIndex(name)]!.id,
  })
  if (owner === undefined || !copies || copies.length < count)
    throw refused(
      `${printable(key, 80)}: a node after its owner has next to no share of the ring`,
      'Give its node more weight, or make fewer copies (--copies).',
    )
  return { owner, copies }
}

function refuseLarge(key: Buffer, { body }: StoredValue): void {
  if (body.length <= maxBytes) return
  throw refused(
    `${printable(key, 80)}: its value has ${body.length} bytes, and each copy is filled anew twice a second by one reader`,
    'Make it smaller, or split it into several keys; --force does it all the same.',
  )
}

function writeShareOf(commands: Readonly<Record<string, number>>): number | undefined {
  const { reads, writes } = accessesOf(commands)
  return reads + writes < minCommands ? undefined : writes / (reads + writes)
}
