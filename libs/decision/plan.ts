import { type ClusterId, type ComponentName, noResources, type Resources } from '#domain';
import type { placementStore } from '#store';
import type { Decided } from './decided.js';
import { chargeOf, QuotaLedger } from './quota.js';

/** So many replicas of a component in one cluster. */
export interface Share {
  component: ComponentName;
  cluster: ClusterId;
  replicas: number;
}

/** One component's replicas in one cluster: what is there now, and what is planned. */
export interface ShareChange {
  component: ComponentName;
  cluster: ClusterId;
  now: number;
  planned: number;
}

const order = (a: Share, b: Share): number =>
  a.component === b.component ? (a.cluster < b.cluster ? -1 : 1) : a.component < b.component ? -1 : 1;

/** In order of component and cluster. */
export const sharesOf = (allotments: readonly Share[]): Share[] =>
  allotments.map(({ component, cluster, replicas }) => ({ component, cluster, replicas })).sort(order);

/** Every component and cluster of either, in order; none is the same as zero. */
export function compareShares(now: readonly Share[], planned: readonly Share[]): ShareChange[] {
  const places = new Map([...now, ...planned].map((each) => [`${each.component}/${each.cluster}`, each]));
  const countIn = (shares: readonly Share[], { component, cluster }: Share): number =>
    shares.find((each) => each.component === component && each.cluster === cluster)?.replicas ?? 0;
  return [...places.values()]
    .sort(order)
    .map((place) => ({
      component: place.component,
      cluster: place.cluster,
      now: countIn(now, place),
      planned: countIn(planned, place),
    }))
    .filter((each) => each.now > 0 || each.planned > 0);
}

/**
 * Why the project could not carry this decision beside what it uses, which counts what was charged for the release already;
 * undefined when it can. What the commit will say, unless somebody else charges the project before.
 */
export function quotaObstacle(
  { release, decision }: Pick<Decided, 'release' | 'decision'>,
  project: Pick<placementStore.ProjectQuota, 'quota' | 'used'>,
  givenBack: Resources = noResources,
): placementStore.StoredRefusal | undefined {
  const { tenant, project: id } = release;
  const ledger = new QuotaLedger([{ tenant, project: id, ...project }]);
  return ledger.charge(release, { charge: chargeOf(decision.allotments), charged: release.charged, givenBack });
}
