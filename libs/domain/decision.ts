import type { ClusterId, ComponentName } from './identity.js';

/** Why a filter turned a cluster away, or a request was turned away whole: a stable word and its facts. */
export interface Refusal {
  reason: string;
  facts: Readonly<Record<string, string>>;
}

export interface ScoreEntry {
  scorer: string;
  /** 0 to 1000. */
  score: number;
  weight: number;
}

/** One cluster's part in a decision, chosen or not. */
export interface ClusterVerdict {
  cluster: ClusterId;
  outcome: 'chosen' | 'eligible' | 'refused';
  /** Set when refused: which filter and why. */
  filter: string | undefined;
  refusal: Refusal | undefined;
  scores: readonly ScoreEntry[];
  total: number;
  /** How many of each component this cluster is given. */
  allotments: Readonly<Record<ComponentName, number>>;
}

/**
 * What a plug-in from outside said of one group, asked before the decision. Its columns are in the order of the clusters that
 * it was asked about.
 */
export interface PluginAnswer {
  plugin: string;
  /** As the plug-in says; empty when it gave no answer. */
  version: string;
  /** Why the operator's default takes the answer's place; undefined: the answer counts. */
  failure: string | undefined;
  /** Why clusters are refused. */
  reasons: readonly string[];
  /** 0: admitted; n: refused for the nth of the reasons. Undefined when it does not filter. */
  verdicts: ArrayLike<number> | undefined;
  /** 0 to 1000. Undefined when it does not score. */
  scores: ArrayLike<number> | undefined;
}

/** Components that are placed together, and why they went where they went. */
export interface GroupDecision {
  components: readonly ComponentName[];
  placed: boolean;
  refusal: Refusal | undefined;
  /** The arithmetic of the division, a line each. */
  division: readonly string[];
  clusters: readonly ClusterVerdict[];
  /** By the order of `clusters`, with the defaults filled in; absent where no plug-ins are configured. */
  plugins?: readonly PluginAnswer[] | undefined;
}

/** The record that is stored with every decision; with the snapshot's position it replays bit for bit. */
export interface DecisionRecord {
  engineVersion: string;
  policyHash: string;
  feedPosition: bigint;
  groups: readonly GroupDecision[];
}
