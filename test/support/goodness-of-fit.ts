/** How well draws fit a distribution: p-values of the chi-square and of the Kolmogorov–Smirnov test. */
import { normalCdf } from '../../src/workload/normal.js'

/**
 * Of counts against expected shares; neighbouring cells are pooled until each expects at least 20. Wilson and Hilferty's normal
 * approximation (PNAS 17(12), 1931), good to three digits.
 */
export function chiSquareP(counts: ArrayLike<number>, shares: ArrayLike<number>): number {
  let draws = 0
  for (let cell = 0; cell < counts.length; cell++) draws += counts[cell]!
  let [chiSquare, cells, seen, expected] = [0, 0, 0, 0]
  let left = draws
  for (let cell = 0; cell < counts.length; cell++) {
    seen += counts[cell]!
    expected += shares[cell]! * draws
    const isLast = cell === counts.length - 1
    if (expected < 20 && !isLast) continue
    if (!isLast && left - expected < 20) continue
    left -= expected
    if (expected > 0) {
      chiSquare += (seen - expected) ** 2 / expected
      cells += 1
    } else if (seen > 0) return 0
    seen = 0
    expected = 0
  }
  const freedom = cells - 1
  if (freedom === 0) return 1
  const z = ((chiSquare / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / Math.sqrt(2 / (9 * freedom))
  return 1 - normalCdf(z)
}

/** Of draws, which are sorted in place, against a continuous distribution function. */
export function kolmogorovP(draws: Float64Array, shareBelow: (value: number) => number): number {
  draws.sort()
  let distance = 0
  const count = draws.length
  for (let at = 0; at < count; at++) {
    const share = shareBelow(draws[at]!)
    distance = Math.max(distance, (at + 1) / count - share, share - at / count)
  }
  const root = Math.sqrt(count)
  const x = (root + 0.12 + 0.11 / root) * distance
  let p = 0
  for (let k = 1; k <= 100; k++) p += 2 * (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * k * k * x * x)
  return Math.max(0, Math.min(1, x < 0.2 ? 1 : p))
}
