/** What the key distributions mean, for tests and benchmarks of their draws. */
import { createScatter, type KeyDistribution } from '../../src/workload/key-distribution.js'
import { normalCdf } from '../../src/workload/normal.js'
import { zipfProbabilities } from '../../src/workload/zipf.js'

/** The probability of each key, in another form than the draws have. */
export function sharesOf(distribution: KeyDistribution, count: number): Float64Array {
  const shares = new Float64Array(count)
  const scatter = createScatter(count)
  const zipf = zipfProbabilities(count, 'theta' in distribution ? distribution.theta : 1)
  for (let key = 0; key < count; key++) {
    switch (distribution.kind) {
      case 'uniform':
      case 'sequential':
        shares[key] = 1 / count
        break
      case 'zipf':
        shares[scatter(key)] = zipf[key]!
        break
      case 'latest':
        shares[count - 1 - key] = zipf[key]!
        break
      case 'hotspot': {
        const hot = Math.max(1, Math.floor(distribution.keyShare * count))
        const { requestShare } = distribution
        shares[key] = key < hot ? requestShare / hot : (1 - requestShare) / (count - hot)
        break
      }
      case 'gaussian': {
        const below = (edge: number) =>
          normalCdf((edge - 0.5 - (count - 1) / 2) / (distribution.sigmaShare * count))
        shares[key] = (below(key + 1) - below(key)) / (below(count) - below(0))
        break
      }
      case 'exponential': {
        const rate = -Math.log(1 - distribution.percentile / 100) / (distribution.rangeShare * count)
        const age = count - 1 - key
        shares[key] = (Math.exp(-rate * age) - Math.exp(-rate * (age + 1))) / (1 - Math.exp(-rate * count))
        break
      }
      case 'histogram': {
        shares[scatter(key)] = groupShare(distribution, key, count)
        break
      }
      default:
        return distribution satisfies never
    }
  }
  return shares
}

/** Of the key of a rank, where each group is whole keys of the `count` there are. */
function groupShare(
  { keyCounts, weights }: Extract<KeyDistribution, { kind: 'histogram' }>,
  rank: number,
  count: number,
): number {
  const total = keyCounts.reduce((sum, each) => sum + each, 0)
  const sum = weights.reduce((all, each) => all + each, 0)
  let start = 0
  for (const [group, keys] of keyCounts.entries()) {
    const width = (keys / total) * count
    if (rank < start + width) return weights[group]! / sum / width
    start += width
  }
  return 0
}
