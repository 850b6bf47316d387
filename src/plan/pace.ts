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

const slowestKeysPerSec = 200
const holdBelow = 0.7

/** The next rate, from the latency now and before: down fast, up slowly, still near the limit. */
export function adaptRate(
  keysPerSec: number,
  latency: { readonly nowMs: number; readonly beforeMs: number },
  { maxIncrease }: ImpactLimit,
): number {
  const increase = latency.nowMs / latency.beforeMs - 1
  if (increase > maxIncrease) return Math.max(slowestKeysPerSec, keysPerSec * 0.6)
  return increase > maxIncrease * holdBelow ? keysPerSec : keysPerSec * 1.15
}
