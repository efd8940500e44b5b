import { describe, expect, it } from 'vitest';
import type { Affinity, PlacementPolicy } from '#domain';
import { decide } from '../decide.js';
import type { Neighbour } from '../request.js';
import { aCluster, aComponent, aGroup, aRequest, fleetOf, room } from '../testing/fleet.fixture.js';

const fleet = fleetOf(
  aCluster('a', { region: 'eu' }),
  aCluster('b', { region: 'eu', reserved: room(6, 6, 6) }),
  aCluster('c', { region: 'us', reserved: room(2, 2, 2) }),
);

const rule = (differs: Partial<Affinity> = {}): Affinity => ({
  ...{ application: 'db', component: '', by: 'cluster', apart: false, preferred: false },
  ...differs,
});

const at = (...clusters: string[]): Neighbour[] =>
  clusters.map((cluster) => ({ application: 'db', component: 'store', cluster }));

function place(
  affinity: Affinity[],
  neighbours: Neighbour[],
  policy: Partial<PlacementPolicy> = {},
  held: string[] = [],
) {
  const web = aComponent('web', { replicas: 2 });
  const previous = held.map((cluster) => ({ component: 'web', cluster, replicas: 1, perReplica: web.perReplica }));
  const group = aGroup([web], { maxClusters: 1, ...policy, affinity });
  const decision = decide({ ...aRequest([group], previous), neighbours }, fleet);
  const [refused] = decision.refused;
  return decision.placed ? decision.allotments.map(({ cluster }) => cluster) : refused;
}

describe('affinity', () => {
  it('places near to what it names: in the same cluster, or the same domain', () => {
    expect(place([], [])).toEqual(['a']);
    expect(place([rule()], at('b'))).toEqual(['b']);
    expect(place([rule({ by: 'region' })], at('c'))).toEqual(['c']);
    expect(place([rule({ by: 'region' })], at('b'))).toEqual(['a']);
  });

  it('places apart from what it names', () => {
    expect(place([rule({ apart: true })], at('a'))).toEqual(['c']);
    expect(place([rule({ apart: true, by: 'region' })], at('b'))).toEqual(['c']);
    expect(place([rule({ apart: true })], [])).toEqual(['a']);
  });

  it('looks at the component that it names alone', () => {
    const neighbours: Neighbour[] = [...at('b'), { application: 'db', component: 'backup', cluster: 'c' }];
    expect(place([rule({ component: 'backup' })], neighbours)).toEqual(['c']);
    expect(place([rule({ component: 'store' })], neighbours)).toEqual(['b']);
  });

  it('refuses with the rule that is broken, and waits for applications that move', () => {
    expect(place([rule()], [])).toMatchObject({
      refusal: { reason: 'NoClusterFits', facts: { Affinity: '3' } },
      wakeOn: ['application.moved', 'cluster.ready', 'cluster.relabelled'],
    });
    expect(place([rule({ apart: true })], at('a', 'b', 'c'))).toMatchObject({ refusal: { facts: { Affinity: '3' } } });
  });

  it('prefers what it cannot have as well as it can', () => {
    expect(place([rule({ preferred: true })], at('c'))).toEqual(['c']);
    expect(place([rule({ preferred: true })], [])).toEqual(['a']);
    expect(place([rule({ preferred: true, apart: true })], at('a', 'b', 'c'))).toEqual(['a']);
  });

  it('lets stay what is there when others come and go, and gives it nothing new', () => {
    expect(place([rule()], at('c'), { maxClusters: 0 }, ['a'])).toEqual(['a', 'c']);
    expect(place([rule({ apart: true })], at('a'), { maxClusters: 0 }, ['a'])).toEqual(['a', 'c']);
  });

  it('holds among components of one application, in the order in which they are decided', () => {
    const own = (component: string, apart: boolean): Affinity => rule({ application: '', component, apart });
    const groups = [
      aGroup([aComponent('cache')], { maxClusters: 1 }),
      aGroup([aComponent('near')], { affinity: [own('cache', false)] }),
      aGroup([aComponent('far')], { affinity: [own('cache', true)] }),
    ];
    const decision = decide(aRequest(groups), fleet);
    expect(decision.allotments.map(({ component, cluster }) => `${component} ${cluster}`)).toEqual([
      'cache a',
      'near a',
      'far c',
    ]);
  });
});
