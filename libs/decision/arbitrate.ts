import type { ClusterId, Resources } from '#domain';
import { type ClusterState, type ExpectedUse, type PodRules, Snapshot } from '#placement';

/** What one component adds to one cluster, beyond what its work reserves there already. */
export interface Growth {
  cluster: ClusterId;
  component: string;
  amount: Resources;
  perReplica: Resources;
  /** Pods that need a node. */
  newPods: number;
  rules: PodRules;
  /** One on every node: the sums judge alone. */
  everyNode: boolean;
  /** What its new pods are expected to use beyond what they ask for. */
  expected?: ExpectedUse | undefined;
}

/** What one decision asks of the locked rows: all of it, or nothing. */
export interface Claim {
  key: string;
  growth: readonly Growth[];
  /** Room that is kept for it there, and no longer once it is granted. */
  kept?: readonly { cluster: ClusterId; amount: Resources }[];
}

/** A locked row, and whether the decision was made on these very figures. */
export interface ArbitratedCluster {
  state: ClusterState;
  /** True when nothing has changed since the decision: the shapes were judged by the same classes then. */
  asDecided: boolean;
}

export interface Stale {
  key: string;
  cluster: ClusterId;
  why: string;
}

const resourceNames = ['mcpu', 'memoryBytes', 'pods'] as const;

/** In the order in which the engine's columns are. */
const amountsOf = (amount: Resources): number[] => resourceNames.map((resource) => amount[resource]);

const adds = ({ amount, newPods, expected }: Growth): boolean =>
  newPods > 0 || expected !== undefined || resourceNames.some((resource) => amount[resource] > 0);

/** The locked figures while a batch is being granted. */
class Ledger {
  readonly #figures = new Snapshot();
  readonly #rows: ReadonlyMap<ClusterId, ArbitratedCluster>;

  constructor(rows: readonly ArbitratedCluster[]) {
    this.#rows = new Map(rows.map((row) => [row.state.id, row]));
    // Where the shapes were judged already the sums are enough.
    for (const { state, asDecided } of rows)
      this.#figures.upsert(asDecided ? { ...state, classes: [], unreflected: [] } : state);
  }

  /** Why this claim cannot be granted now; undefined when it can. */
  obstacle(claim: Claim): { cluster: ClusterId; why: string } | undefined {
    this.#letGo(claim, 1);
    const obstacle = this.#obstacle(claim);
    this.#letGo(claim, -1);
    return obstacle;
  }

  #letGo({ kept = [] }: Claim, times: 1 | -1): void {
    for (const { cluster, amount } of kept) {
      const slot = this.#figures.slotOf(cluster);
      if (slot === undefined) continue;
      if (times === 1) this.#figures.release(slot, amount);
      else this.#figures.reserve(slot, amount);
    }
  }

  #obstacle({ growth }: Claim): { cluster: ClusterId; why: string } | undefined {
    const growing = growth.filter(adds);
    for (const cluster of new Set(growing.map((each) => each.cluster))) {
      const why = this.#obstacleAt(
        cluster,
        growing.filter((each) => each.cluster === cluster),
      );
      if (why !== undefined) return { cluster, why };
    }
    return undefined;
  }

  grant(claim: Claim): void {
    const { growth } = claim;
    this.#letGo(claim, 1);
    for (const { cluster, amount, perReplica, newPods, rules, everyNode, expected } of growth) {
      const slot = this.#figures.slotOf(cluster);
      if (slot === undefined) continue;
      if (expected !== undefined) this.#figures.headroom.take(slot, expected);
      const onNodes = newPods > 0 && !everyNode ? { perReplica, replicas: newPods, rules } : undefined;
      this.#figures.reserve(slot, amount, onNodes);
    }
  }

  #obstacleAt(cluster: ClusterId, growth: readonly Growth[]): string | undefined {
    const slot = this.#figures.slotOf(cluster);
    const row = this.#rows.get(cluster);
    if (slot === undefined || row === undefined) return 'gone';
    if (row.state.phase !== 'ready') return 'not ready';
    if (row.state.cordoned) return 'cordoned';
    if (row.state.sameMemberAs !== undefined) return 'same member';
    for (const [at, resource] of resourceNames.entries()) {
      const asked = growth.reduce((sum, { amount }) => sum + amount[resource], 0);
      if (asked > 0 && asked > this.#figures.free(slot, at)) return resource;
    }
    if (!this.#isMeasuredFree(slot, growth)) return 'measured headroom';
    return row.asDecided || this.#nodesFit(slot, growth) ? undefined : 'nodes';
  }

  #isMeasuredFree(slot: number, growth: readonly Growth[]): boolean {
    const left = this.#figures.headroom.of(slot);
    return (['mcpu', 'memoryBytes'] as const).every((resource) => {
      const asked = growth.reduce((sum, { expected }) => sum + (expected?.[resource] ?? 0), 0);
      return asked === 0 || (left !== undefined && asked <= left[resource]);
    });
  }

  #nodesFit(slot: number, growth: readonly Growth[]): boolean {
    const classes = this.#figures.classes(slot);
    if (!classes.known) return true;
    const trial = classes.clone();
    return growth
      .filter((each) => each.newPods > 0 && !each.everyNode)
      .every(({ perReplica, newPods, rules }) => trial.take(amountsOf(perReplica), newPods, rules) === newPods);
  }
}

/**
 * Grants claims in their order on locked figures; pure. A claim that does not fit any more is stale: it is decided again on
 * newer figures, and takes nothing from those behind it and none of them with it.
 */
export function arbitrate(
  batch: readonly Claim[],
  rows: readonly ArbitratedCluster[],
): { granted: string[]; stale: Stale[] } {
  const ledger = new Ledger(rows);
  const granted: string[] = [];
  const stale: Stale[] = [];
  for (const claim of batch) {
    const obstacle = ledger.obstacle(claim);
    if (obstacle === undefined) {
      ledger.grant(claim);
      granted.push(claim.key);
    } else stale.push({ key: claim.key, ...obstacle });
  }
  return { granted, stale };
}
