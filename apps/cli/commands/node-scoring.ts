import { type Command, Option } from 'commander';
import { wire } from '#contract';

export interface NodeScoringOption {
  nodeScoring?: 'least-allocated' | 'most-allocated';
}

const onTheWire = {
  'least-allocated': wire.NodeScoring.LEAST_ALLOCATED,
  'most-allocated': wire.NodeScoring.MOST_ALLOCATED,
} as const;

export const addNodeScoring = (command: Command): Command =>
  command.addOption(
    new Option(
      '--node-scoring <strategy>',
      'which nodes its own scheduler prefers: the emptiest (kube-scheduler’s default) or the fullest',
    ).choices(Object.keys(onTheWire)),
  );

/** The field that the option sets, under the name that an update mask has for it. */
export const nodeScoringOf = ({ nodeScoring }: NodeScoringOption) =>
  nodeScoring === undefined
    ? { scoring: {}, scoringPaths: [] }
    : { scoring: { nodeScoring: onTheWire[nodeScoring] }, scoringPaths: ['node_scoring'] };
