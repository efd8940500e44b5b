import {
  addResources,
  type Component,
  canonicalJson,
  type Ids,
  type JsonValue,
  noResources,
  type Resources,
} from '#domain';
import { anyNode } from '#placement';
import type { placementStore } from '#store';
import { type ArbitratedCluster, arbitrate, type Stale } from './arbitrate.js';
import type { Decided } from './decided.js';
import { chargeOf, isSameAmount, mayChangeUse, QuotaLedger } from './quota.js';
import { podRules } from './request.js';
import { reservedDelta } from './reservations.js';
import { claimOf, type FirstWorks, worksOf } from './works.js';

/** Everything that a commit reads under its locks. */
export interface Locked {
  clusters: readonly (ArbitratedCluster & { workSequence: bigint })[];
  holdings: readonly placementStore.Holding[];
  /** Placed releases that the batch's would replace. */
  holding: readonly placementStore.HoldingRelease[];
  projects: readonly placementStore.ProjectQuota[];
  /** Room that is kept for releases of the batch. */
  nominated?: readonly placementStore.Nominated[];
}

/** Everything that a commit writes. */
export interface Settlement {
  placed: readonly Decided[];
  refused: readonly {
    decided: Decided;
    refusals: readonly placementStore.StoredRefusal[];
    wakeOn: readonly string[];
  }[];
  stale: readonly Stale[];
  superseded: readonly placementStore.HoldingRelease[];
  charges: ReadonlyMap<string, Resources>;
  works: readonly placementStore.WorkWrite[];
  capacity: readonly placementStore.CapacityChange[];
  usage: readonly placementStore.ProjectQuota[];
  /** Clusters where room was kept for releases that are placed now. */
  unkept: readonly string[];
}

const sameApplication =
  (a: placementStore.ApplicationInEnvironment) =>
  (b: placementStore.ApplicationInEnvironment): boolean =>
    a.tenant === b.tenant &&
    a.project === b.project &&
    a.environment === b.environment &&
    a.applicationUid === b.applicationUid;

/** Capacity rows under lock: the next place in each sequence, and what is reserved once the batch is in. */
export class CapacityLedger {
  readonly #rows: Map<string, { workSequence: bigint; reserved: Resources }>;
  readonly #changed = new Set<string>();

  constructor(clusters: readonly { id: string; workSequence: bigint; reserved: Resources }[]) {
    this.#rows = new Map(clusters.map(({ id, workSequence, reserved }) => [id, { workSequence, reserved }]));
  }

  readonly next = (cluster: string): bigint => {
    const row = this.#row(cluster);
    row.workSequence += 1n;
    return row.workSequence;
  };

  add(cluster: string, amount: Resources): void {
    const row = this.#row(cluster);
    row.reserved = addResources(row.reserved, amount);
  }

  changes(): placementStore.CapacityChange[] {
    return [...this.#changed].sort().map((cluster) => ({ cluster, ...this.#row(cluster) }));
  }

  #row(cluster: string): { workSequence: bigint; reserved: Resources } {
    const row = this.#rows.get(cluster);
    if (row === undefined) throw new Error(`cluster ${cluster} is not locked`);
    this.#changed.add(cluster);
    return row;
  }
}

const isOf =
  (a: placementStore.ReleaseRef) =>
  (b: placementStore.ReleaseRef): boolean =>
    a.tenant === b.tenant && a.project === b.project && a.environment === b.environment && a.number === b.number;

function claims(placing: readonly Decided[], { holdings, nominated = [] }: Locked) {
  return placing.map(({ key, release, decision }) => {
    const components = new Map(release.spec.components.map((each): [string, Component] => [each.name, each]));
    const own = holdings.filter(sameApplication(release));
    const claim = claimOf(
      key,
      decision.allotments,
      own,
      components,
      (name) => {
        const component = components.get(name);
        return component === undefined ? anyNode : podRules(component);
      },
      release.spec,
    );
    return release.nominated.length === 0 ? claim : { ...claim, kept: nominated.filter(isOf(release)) };
  });
}

/** What becomes of a batch of decisions on locked figures: pure, so that it can be tried on any. */
export function settle(
  batch: readonly Decided[],
  locked: Locked,
  ids: Ids,
  firstWorks: FirstWorks = new Map(),
): Settlement {
  const placing = batch.filter(({ decision }) => decision.placed);
  const arbitrated = arbitrate(claims(placing, locked), locked.clusters);
  const granted = new Set(arbitrated.granted);
  const stale = [...arbitrated.stale];
  const quota = new QuotaLedger(locked.projects);
  const capacity = new CapacityLedger(
    locked.clusters.map(({ state, workSequence }) => ({ id: state.id, reserved: state.reserved, workSequence })),
  );
  const charges = new Map<string, Resources>();
  const locks = new Set(locked.clusters.map(({ state }) => state.id));
  const unkept = new Set<string>();
  const placed: Decided[] = [];
  const works: placementStore.WorkWrite[] = [];
  const superseded: placementStore.HoldingRelease[] = [];
  const refused: Settlement['refused'][number][] = batch
    .filter(({ decision }) => !decision.placed)
    .map((decided) => ({ decided, refusals: decided.refusals, wakeOn: wakeOnOf(decided) }));
  for (const decided of placing.filter(({ key }) => granted.has(key))) {
    const { release, decision, key } = decided;
    const own = locked.holdings.filter(sameApplication(release));
    const unlocked = own.find(({ cluster }) => !locks.has(cluster));
    if (unlocked !== undefined) {
      // a work that came meanwhile: once more, knowing it
      stale.push({ key, cluster: unlocked.cluster, why: 'not locked' });
      continue;
    }
    const leaving = own.find(({ preempted }) => preempted === true);
    if (leaving !== undefined) {
      // what it still reserves there is promised to another
      stale.push({ key, cluster: leaving.cluster, why: 'preempted' });
      continue;
    }
    const replaced = locked.holding.filter(sameApplication(release));
    const charge = chargeOf(decision.allotments);
    const givenBack = replaced.reduce((sum, each) => addResources(sum, each.charged), noResources);
    const isCharged = !isSameAmount(charge, release.charged) || !isSameAmount(givenBack, noResources);
    if (isCharged && !mayChangeUse(decided)) {
      // placed meanwhile is what it replaces, and the project is not locked: once more, knowing it
      stale.push({ key, cluster: '', why: 'replaces' });
      continue;
    }
    const refusal = isCharged ? quota.charge(release, { charge, charged: release.charged, givenBack }) : undefined;
    if (refusal !== undefined) {
      refused.push({ decided, refusals: [refusal], wakeOn: ['project.quota'] });
      continue;
    }
    for (const work of worksOf(release, decision.allotments, own, capacity.next, ids, firstWorks)) {
      const before = own.find((holding) => holding.workId === work.workId)?.reservations ?? [];
      capacity.add(work.cluster, reservedDelta(before, work.reservations));
      works.push(work);
    }
    for (const { cluster } of (locked.nominated ?? []).filter(isOf(release))) {
      capacity.add(cluster, noResources);
      unkept.add(cluster);
    }
    charges.set(key, charge);
    superseded.push(...replaced);
    placed.push(decided);
  }
  return {
    ...{ placed, refused, stale, superseded, charges, works },
    ...{ capacity: capacity.changes(), usage: quota.changes(), unkept: [...unkept].sort() },
  };
}

const wakeOnOf = ({ decision }: Decided): string[] =>
  [...new Set(decision.refused.flatMap(({ wakeOn }) => wakeOn))].sort();

/** Whether a refusal says what the last one said: then there is no new decision to keep. */
export const saysTheSame = (
  a: readonly placementStore.StoredRefusal[],
  b: readonly placementStore.StoredRefusal[],
): boolean => textOf(a) === textOf(b);

function textOf(refusals: readonly placementStore.StoredRefusal[]): string {
  const json: JsonValue = JSON.parse(JSON.stringify(refusals));
  return canonicalJson(json);
}
