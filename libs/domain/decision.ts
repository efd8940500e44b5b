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

/** Components that are placed together, and why they went where they went. */
export interface GroupDecision {
  components: readonly ComponentName[];
  placed: boolean;
  refusal: Refusal | undefined;
  /** The arithmetic of the division, a line each. */
  division: readonly string[];
  clusters: readonly ClusterVerdict[];
}

/** The record that is stored with every decision; with the snapshot's position it replays bit for bit. */
export interface DecisionRecord {
  engineVersion: string;
  policyHash: string;
  feedPosition: bigint;
  groups: readonly GroupDecision[];
}
