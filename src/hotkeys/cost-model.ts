/** What sampling costs a server's main thread: a seed by its kind, corrected by what INFO shows around bursts. */

export interface CostModel {
  /** Of each monitored command. */
  readonly fixedMicros: number
  /** Of each byte of its arguments. */
  readonly byteMicros: number
  /** Of a burst: the looks at INFO, MONITOR, RESET. */
  readonly burstMicros: number
}

/** Measured on Redis 7.0 and Valkey 8.1, whose MONITOR writes its lines in fewer steps. */
const seeds = {
  redis: { fixedMicros: 2.5, byteMicros: 0.05, burstMicros: 160 },
  valkey: { fixedMicros: 1.5, byteMicros: 0.016, burstMicros: 160 },
}

export function seedCost(server: 'redis' | 'valkey', version: string): CostModel {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isQuick = server === 'valkey' && (major > 8 || (major === 8 && minor >= 1))
  return isQuick ? seeds.valkey : seeds.redis
}

/** Server time of so many monitored commands, their arguments so many bytes in total. */
export function monitoringMicros(lines: number, bytes: number, cost: CostModel = seeds.redis): number {
  return lines * cost.fixedMicros + bytes * cost.byteMicros
}

/** What a MONITOR line has beside the command: its time and address. */
export const lineHeadBytes = 47

/** Counters of a server at one moment. */
export interface LoadReading {
  readonly atMs: number
  /** Processed since it started, ours left out. */
  readonly commands: number
  /** CPU of the main thread; undefined where INFO does not tell. */
  readonly cpuMicros: number | undefined
}

/** So much modelled time must be seen before the correction means as much as the seed. */
const trustMicros = 20_000
const smallestFactor = 0.5
const largestFactor = 4
/** Bursts whose traffic is forgotten to a half: load changes. */
const memory = 20

/**
 * The server's own counters tell what a burst cost beyond what its traffic costs anyway. One burst drowns in noise, so all
 * of them are taken together, and mixed with the seed until they weigh more.
 */
export class CostCalibration {
  private readonly usual = { commands: 0, cpuMicros: 0 }
  private readonly seen = { extraMicros: 0, modelledMicros: 0 }

  /** A stretch without a burst. */
  addBetween(before: LoadReading, after: LoadReading): void {
    if (before.cpuMicros === undefined || after.cpuMicros === undefined) return
    const keep = 0.5 ** (1 / memory)
    this.usual.commands = this.usual.commands * keep + Math.max(0, after.commands - before.commands)
    this.usual.cpuMicros = this.usual.cpuMicros * keep + Math.max(0, after.cpuMicros - before.cpuMicros)
  }

  addBurst(before: LoadReading, after: LoadReading, modelledMicros: number): void {
    if (before.cpuMicros === undefined || after.cpuMicros === undefined || this.usual.commands < 1) return
    const usual = (after.commands - before.commands) * (this.usual.cpuMicros / this.usual.commands)
    this.seen.extraMicros += after.cpuMicros - before.cpuMicros - usual
    this.seen.modelledMicros += modelledMicros
  }

  /** What the seed's figures are to be multiplied by. */
  get factor(): number {
    const blend = (trustMicros + this.seen.extraMicros) / (trustMicros + this.seen.modelledMicros)
    return Math.max(smallestFactor, Math.min(largestFactor, blend))
  }
}
