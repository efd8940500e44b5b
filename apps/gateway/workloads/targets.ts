import { clusterName, readClusterName } from '#contract';
import { type ClusterId, InvalidRequest, NotFound } from '#domain';
import type { TunnelTarget } from '#store';
import { NoAgentConnected } from './failures.js';

/** As asked for; empty: left to choose. */
export interface Wanted {
  component: string;
  /** `clusters/{cluster}`. */
  cluster: string;
  pod: string;
}

const distinct = (words: readonly string[]): string[] => [...new Set(words)];
const componentsOf = (targets: readonly TunnelTarget[]): string[] =>
  distinct(targets.map(({ component }) => component));
const clustersOf = (targets: readonly TunnelTarget[]): ClusterId[] => distinct(targets.map(({ cluster }) => cluster));

const missing = (kind: string, name: string, there: readonly string[]): NotFound => {
  const found = new NotFound({ kind, name });
  return Object.assign(found, { message: `${found.message} in the application; there is ${there.join(', ')}` });
};

/**
 * Every target that is meant. @throws NotFound naming what there is, NoAgentConnected when none of them can be reached.
 */
export function matching(
  targets: readonly TunnelTarget[],
  { component, cluster }: Omit<Wanted, 'pod'>,
): TunnelTarget[] {
  const ofComponent = targets.filter((each) => component === '' || each.component === component);
  if (ofComponent.length === 0) throw missing('component', component, componentsOf(targets));
  const wanted = cluster === '' ? undefined : readClusterName(cluster, 'cluster').cluster;
  const found = ofComponent.filter((each) => wanted === undefined || each.cluster === wanted);
  if (found.length === 0) throw missing('cluster', cluster, clustersOf(ofComponent).map(clusterName));
  if (!found.some((each) => each.connected)) throw new NoAgentConnected(clustersOf(found));
  return found;
}

/** The one target that is meant. @throws InvalidRequest when that is not clear, and as `matching` does. */
export function chosen(targets: readonly TunnelTarget[], wanted: Wanted): TunnelTarget {
  const found = matching(targets, wanted);
  const components = componentsOf(found);
  if (components.length > 1)
    throw new InvalidRequest([
      { field: 'target.component', description: `found nothing; name one of ${components.join(', ')}` },
    ]);
  const reachable = found.filter((each) => each.connected);
  if (wanted.pod !== '' && wanted.cluster === '' && found.length > 1)
    throw new InvalidRequest([
      {
        field: 'target.cluster',
        description: `found nothing; the pod may be in any of ${clustersOf(found).join(', ')}`,
      },
    ]);
  const best = reachable.find((each) => each.ready > 0) ?? reachable[0];
  if (best === undefined) throw new NoAgentConnected(clustersOf(found));
  return best;
}
