/** How fast keys may move: rates that never let work catch up in a burst. Time is an argument. */

export interface PaceLimits {
  /** Infinity: no limit. */
  readonly keysPerSec: number
  readonly bytesPerSec: number
}

export class Pace {
  private keysFreeMs = 0
  private bytesFreeMs = 0
  private keysPerSec: number

  constructor(private readonly limits: PaceLimits) {
    this.keysPerSec = limits.keysPerSec
  }

  /** Slows down or speeds up, within the limit it was made with. */
  setKeysPerSec(rate: number): void {
    this.keysPerSec = Math.min(rate, this.limits.keysPerSec)
  }

  /** Milliseconds to wait before so many keys are moved; they are taken as moved. */
  reserve(keys: number, nowMs: number): number {
    const startMs = Math.max(nowMs, this.keysFreeMs, this.bytesFreeMs)
    this.keysFreeMs = startMs + (keys / this.keysPerSec) * 1000
    return startMs - nowMs
  }

  /** Their bytes, known afterwards. */
  spend(bytes: number, nowMs: number): void {
    this.bytesFreeMs = Math.max(nowMs, this.bytesFreeMs) + (bytes / this.limits.bytesPerSec) * 1000
  }
}

/** `p99=+20%`: the latency of the nodes may rise by that share over what it was just before. */
export interface ImpactLimit {
  readonly quantile: number
  readonly maxIncrease: number
}

/** The next rate, down fast and up slowly, from the share of probes that waited longer than the limit allows. */
export function adaptRate(keysPerSec: number, exceededShare: number, { quantile }: ImpactLimit): number {
  const allowedShare = 1 - quantile
  if (exceededShare > 2 * allowedShare) return Math.max(slowestKeysPerSec, keysPerSec * 0.4)
  if (exceededShare > 0.8 * allowedShare) return Math.max(slowestKeysPerSec, keysPerSec * 0.7)
  return exceededShare > 0.5 * allowedShare ? keysPerSec : keysPerSec * 1.2
}

const slowestKeysPerSec = 200

/** Keys a batch: the slower, the smaller, so that a low rate is a trickle and not a burst now and then. */
export function batchKeysAt({ keysPerSec, impact }: PaceLimits & { readonly impact?: ImpactLimit }): number {
  if (impact) return gentleBatchKeys
  return Math.max(1, Math.min(fullBatchKeys, Math.round(keysPerSec / 20)))
}

const fullBatchKeys = 100
/** Some tens of microseconds of a server's time. */
const gentleBatchKeys = 10
