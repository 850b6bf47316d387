/**
 * HOTKEYS of Valkey ≥ 9.2 (src/hotkeys.c at 0479391): accesses a second of the keys of the last whole window. It is read
 * where it is on; where it is off it is switched on for the run if that is allowed, and off again.
 */
import type { Clock } from '../../clock.js'
import { refused } from '../../errors.js'
import type { NativeState } from '../../hotkeys/choose-source.js'
import { parseValkeyHotkeys, parseValkeyWindow } from '../../hotkeys/native-replies.js'
import type { NodeRanking } from '../../hotkeys/sampled.js'
import type { RankingSource } from '../../operations/hotkeys/ports.js'
import type { Settings, SettingsLedger } from '../../operations/hotkeys/server-settings.js'
import type { NodeAccess } from '../../operations/ports.js'
import { ReplyError } from '../resp.js'
import { type RespConnection, replyFailure } from '../resp-connection.js'
import { nodeName } from '../socket.js'
import { BorrowedSettings, readSettings, writeSettings } from './borrowed-settings.js'
import { sleepUntilAborted } from './burst-wait.js'
import { NodeConnections } from './node-connections.js'

export interface NativeValkeyOptions {
  readonly opsPerSec: (node: string) => number
  /** Present: its settings may be changed for the run. */
  readonly ledger?: SettingsLedger
}

const names = {
  places: 'hotkeys-top-k',
  percent: 'hotkeys-sampling-percentage',
  window: 'hotkeys-window-seconds',
}
/** Space-Saving with fewer places reports keys that are not hot (docs/hotkeys.md). */
const places = 512
const wantedSamples = 20_000
const fewSamples = 1_000
const longestWindowSeconds = 300
/** The server closes a window up to one round of its own clock late. */
const windowLagMs = 200

export function createNativeValkeySource(
  accesses: readonly NodeAccess[],
  clock: Clock,
  { opsPerSec, ledger }: NativeValkeyOptions,
): RankingSource {
  const connections = new NodeConnections(accesses)
  const borrowed = ledger && new BorrowedSettings(connections, ledger)
  return {
    name: 'native',
    async rank(node, { durationMs, signal }) {
      const connection = await connections.of(node)
      let settings = await readSettings(connection, Object.values(names))
      const isOn = Number(settings[names.places]) > 0
      if (!isOn) {
        if (!borrowed) throw isOff(connection)
        const during = settingsFor(opsPerSec(node), durationMs)
        // top-k comes last: it starts the first window with the others in force
        await borrowed.borrow(node, during)
        await writeSettings(connection, during)
        settings = during
      }
      const windowMs = Number(settings[names.window]) * 1000
      const plan = isOn
        ? { waitMs: durationMs, stepMs: windowMs }
        : { waitMs: 0, stepMs: windowMs + windowLagMs }
      const windows = await readWindows(connection, { ...plan, settings, clock, signal })
      return {
        node,
        source: 'native',
        unit: 'commands',
        keys: windows.keys,
        notes: describe(settings, windows),
      }
    },
    async close() {
      try {
        await borrowed?.giveBack()
      } finally {
        connections.close()
      }
    },
  }
}

export async function readValkeyDetection(connection: RespConnection): Promise<NativeState> {
  const [reply] = await connection.send([['CONFIG', 'GET', names.places]])
  if (Array.isArray(reply))
    return reply.length < 2 ? { kind: 'none' } : { kind: 'valkey', topK: Number(reply[1]) }
  return reply instanceof ReplyError && reply.code === 'NOPERM'
    ? { kind: 'valkey', topK: undefined }
    : { kind: 'none' }
}

function isOff(connection: RespConnection): Error {
  return refused(
    `node ${nodeName(connection.access.node)}: its hot key detection is off (${names.places} 0)`,
    'Pass --allow-config to switch it on for the run.',
  )
}

/** One window as long as the run, with as large a share of accesses as gives enough samples. */
function settingsFor(opsPerSec: number, durationMs: number): Settings {
  const expected = Math.max(1, (opsPerSec * durationMs) / 1000)
  const percent = Math.min(100, Math.max(1, Math.ceil((100 * wantedSamples) / expected)))
  const seconds = Math.min(longestWindowSeconds, Math.max(1, Math.floor(durationMs / 1000)))
  return { [names.window]: String(seconds), [names.percent]: String(percent), [names.places]: String(places) }
}

interface Windows {
  readonly keys: NodeRanking['keys']
  readonly count: number
  readonly samples: number
}

/**
 * The mean of the windows that have ended when we look, every `stepMs` for `waitMs`, once at least. A key that is not in
 * one was below what it could see.
 */
async function readWindows(
  connection: RespConnection,
  plan: { clock: Clock; waitMs: number; stepMs: number; settings: Settings; signal: AbortSignal },
): Promise<Windows> {
  const { clock, waitMs, stepMs, settings, signal } = plan
  const startedMs = clock.nowMs()
  const sums = new Map<string, number>()
  let count = 0
  let samples = 0
  let opsPerSec = 0
  do {
    await sleepUntilAborted(clock, stepMs, signal)
    // in one write, so that both are of the same window
    const [reply, info] = await connection.send([
      ['HOTKEYS', 'GET'],
      ['INFO', 'hotkeys'],
    ])
    if (reply instanceof ReplyError) throw replyFailure(connection.access, 'HOTKEYS GET', reply)
    for (const { name, opsPerSec: ops } of parseValkeyHotkeys(reply) ?? [])
      sums.set(name, (sums.get(name) ?? 0) + ops)
    const window = parseValkeyWindow(String(info))
    count += 1
    samples += window?.samples ?? 0
    if (window && window.durationMs > 0)
      opsPerSec += (window.samples * 100 * 1000) / Number(settings[names.percent]) / window.durationMs
  } while (!signal.aborted && clock.nowMs() - startedMs + stepMs <= waitMs)
  const keys = [...sums].map(([name, sum]) => ({
    name,
    weight: sum / count,
    ...(opsPerSec > 0 ? { share: Math.min(1, sum / opsPerSec) } : {}),
  }))
  return { keys: keys.sort((a, b) => b.weight - a.weight), count, samples }
}

function describe(settings: Settings, { count, samples }: Windows): string[] {
  const placeCount = Number(settings[names.places])
  return [
    `HOTKEYS of Valkey: accesses a second, of ${count} window${count === 1 ? '' : 's'} with ${samples.toLocaleString('en')} samples (${settings[names.percent]} % of accesses), all databases together`,
    `it has ${placeCount} places: a key below ${(100 / placeCount).toFixed(1)} % of accesses may be missing or too high`,
    ...(samples < fewSamples ? ['too few samples to rank keys by'] : []),
  ]
}
