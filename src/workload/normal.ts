/** The normal distribution: draws, its distribution function and the inverse. */
import type { Random } from '../random.js'

/** Layers of equal area under the density, the lowest with the tail beyond `tailStart`. */
const layerCount = 128
const tailStart = 3.442619855899
const layerArea = 9.91256303526217e-3
const { edges, inner } = buildLayers()

function buildLayers() {
  const edges = new Float64Array(layerCount + 1)
  edges[0] = layerArea / Math.exp(-0.5 * tailStart * tailStart)
  edges[1] = tailStart
  for (let layer = 2; layer < layerCount; layer++) {
    const before = edges[layer - 1]!
    edges[layer] = Math.sqrt(-2 * Math.log(layerArea / before + Math.exp(-0.5 * before * before)))
  }
  // the share of each layer's width that lies under the density at any height
  const inner = Float64Array.from({ length: layerCount }, (_, layer) => edges[layer + 1]! / edges[layer]!)
  return { edges, inner }
}

/**
 * Standard normal variates, exact: the ziggurat of Marsaglia & Tsang (J. Stat. Software 5(8), 2000) in Doornik's form ("An
 * improved ziggurat method to generate normal random samples", Oxford, 2005), where layer and place are separate draws.
 */
export function createNormal(random: Random): () => number {
  return () => {
    for (;;) {
      const layer = random.uint32() % layerCount
      const place = 2 * random.next() - 1
      const x = place * edges[layer]!
      if (Math.abs(place) < inner[layer]!) return x
      if (layer === 0) return place < 0 ? -drawTail(random) : drawTail(random)
      const lower = Math.exp(-0.5 * (edges[layer]! ** 2 - x * x))
      const upper = Math.exp(-0.5 * (edges[layer + 1]! ** 2 - x * x))
      if (upper + random.next() * (lower - upper) < 1) return x
    }
  }
}

/** Beyond `tailStart` (Marsaglia, "Generating a variable from the tail of the normal distribution", Technometrics 6(1), 1964). */
function drawTail(random: Random): number {
  for (;;) {
    const x = -Math.log(1 - random.next()) / tailStart
    const y = -Math.log(1 - random.next())
    if (2 * y > x * x) return tailStart + x
  }
}

/**
 * P(Z ≤ x), to about 1e-15 absolute: Marsaglia's series ("Evaluating the normal distribution", J. Stat. Software 11(4),
 * 2004); beyond 6 the upper tail's continued fraction.
 */
export function normalCdf(x: number): number {
  if (Number.isNaN(x)) return x
  if (Math.abs(x) > 6) return x > 0 ? 1 - upperTail(x) : upperTail(-x)
  let sum = x
  let term = x
  for (let odd = 3; sum + term !== sum; odd += 2) {
    term = (term * x * x) / odd
    sum += term
  }
  return 0.5 + sum * density(x)
}

function density(x: number): number {
  return Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)
}

function upperTail(x: number): number {
  if (x === Number.POSITIVE_INFINITY) return 0
  let fraction = x
  for (let depth = 40; depth > 0; depth--) fraction = x + depth / fraction
  return density(x) / fraction
}

/** The x with P(Z ≤ x) = p, p in [0, 1], to about 1e-15 relative: Wichura's AS 241, PPND16 (Applied Statistics 37(3), 1988). */
export function normalQuantile(p: number): number {
  const q = p - 0.5
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q
    return (q * polynomial(nearTop, r)) / polynomial(nearBottom, r)
  }
  const tail = q < 0 ? p : 1 - p
  if (tail <= 0) return q < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  const r = Math.sqrt(-Math.log(tail))
  const value =
    r <= 5
      ? polynomial(middleTop, r - 1.6) / polynomial(middleBottom, r - 1.6)
      : polynomial(farTop, r - 5) / polynomial(farBottom, r - 5)
  return q < 0 ? -value : value
}

/** Coefficients from the highest power down. */
function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0
  for (const coefficient of coefficients) value = value * x + coefficient
  return value
}

const nearTop = [
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946,
  1971.5909503065513, 133.14166789178438, 3.3871328727963665,
]
const nearBottom = [
  5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751,
  687.1870074920579, 42.31333070160091, 1,
]
const middleTop = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
  5.769497221460691, 4.630337846156546, 1.4234371107496835,
]
const middleBottom = [
  1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
  1.6763848301838038, 2.053191626637759, 1,
]
const farTop = [
  2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124,
  0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103,
]
const farBottom = [
  2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133,
  0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1,
]
