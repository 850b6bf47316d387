/** The hot keys as gauges in Prometheus' text format. Names of keys are no labels: each would be a series of its own. */
import type { HotKeysReport } from '../hotkeys/report.js'
import type { ReportedKey } from '../hotkeys/reported-key.js'
import { type Labels, prometheusFamily, prometheusLine } from './prometheus-text.js'

const prefix = 'cachectl_hotkeys_'
/** So many ranks; more would be series that hardly anybody reads. */
const mostRanks = 20

export function hotKeysPrometheus(report: HotKeysReport): string {
  const ranked = report.keys.slice(0, mostRanks).map((key, index) => ({
    key,
    labels: { rank: String(index + 1), node: key.nodes[0]?.node ?? '' },
  }))
  const ofNode = (value: (node: HotKeysReport['sampling']['nodes'][number]) => number) =>
    report.sampling.nodes.map((node): Sample => [{ node: node.node }, value(node)])
  const { skew } = report
  const ofKey = (value: (key: ReportedKey) => number) =>
    ranked.map(({ key, labels }): Sample => [labels, value(key)])
  return [
    gauge(
      'key_share',
      "Share of its node's commands of the key with that rank.",
      ofKey((key) => onNode(key).share),
    ),
    gauge(
      'key_share_low',
      'Lower end of the 95 % interval.',
      ofKey((key) => onNode(key).shareLow),
    ),
    gauge(
      'key_share_high',
      'Upper end of the 95 % interval.',
      ofKey((key) => onNode(key).shareHigh),
    ),
    gauge(
      'key_certain',
      '1: certain to be above the threshold.',
      ofKey((key) => (key.certainty === 'certain' ? 1 : 0)),
    ),
    gauge(
      'key_operations_per_second',
      'Commands a second, on all nodes.',
      ofKey((key) => key.opsPerSec),
    ),
    gauge(
      'key_write_ratio',
      'Writes among its commands.',
      ofKey((key) => key.writeShare),
    ),
    gauge('certain', 'Keys that are certain to be above the threshold.', [[{}, report.certainCount]]),
    gauge('possible', 'Keys that may be above the threshold.', [[{}, report.possibleCount]]),
    gauge('threshold_ratio', "Share of a node's commands above which a key is hot.", [
      [{}, report.threshold],
    ]),
    gauge('upper_bound_ratio', 'No other key has a larger share of its node, at 95 %.', [
      [{}, report.upperBound],
    ]),
    gauge(
      'node_operations_per_second',
      'Commands a second of the node.',
      ofNode(({ opsPerSec }) => opsPerSec),
    ),
    gauge(
      'node_samples',
      'Commands of the node that the estimate rests on.',
      ofNode(({ samples }) => samples),
    ),
    gauge('sampling_cost_ratio', "Share of a node's time that sampling takes.", [
      [{}, report.sampling.cost.share],
    ]),
    gauge(
      'node_misplaced_ratio',
      'Of the commands of the node that name keys, those for keys of other nodes.',
      report.sampling.nodes.map(
        ({ node }): Sample => [
          { node },
          report.misplaced.nodes.find((wrong) => wrong.node === node)?.share ?? 0,
        ],
      ),
    ),
    skew
      ? gauge('node_skew', 'Load of the most loaded node over the mean.', [
          [{ without: 'nothing' }, skew.maxOverMean],
          [{ without: 'hot_keys' }, skew.withoutHotKeys],
        ])
      : '',
  ].join('')
}

function onNode({ nodes: [first] }: ReportedKey) {
  return first ?? { share: 0, shareLow: 0, shareHigh: 0 }
}

type Sample = readonly [labels: Labels, value: number]

function gauge(name: string, help: string, samples: readonly Sample[]): string {
  const whole = prefix + name
  return prometheusFamily(
    { name: whole, help, type: 'gauge' },
    samples.map(([labels, value]) => prometheusLine(whole, labels, value)),
  )
}
