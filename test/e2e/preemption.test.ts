import { afterAll, beforeAll, expect, it } from 'vitest';
import { wire } from '#contract';
import { heldObjects } from '../../apps/local/members.js';
import { describeMembers } from '../kubernetes/members.js';
import { application, fleetReady, phaseOf, type Station, startStation, watchUntil } from './station.js';

const content = (name: string, replicas: number, cpu: string, priority: number) => ({
  case: 'spec' as const,
  value: {
    components: [{ name, replicas, containers: [{ image: 'nginx:1.27', requests: { cpu, memory: '64Mi' } }] }],
    priority,
  },
});

describeMembers('giving way to a higher priority', (flavour) => {
  let station: Station;
  beforeAll(async () => {
    station = await startStation(flavour, ['one'], { count: 2, cpu: '4', memory: '16Gi' });
    await fleetReady(station);
  });
  afterAll(() => station.close());

  const apply = (name: string, source: ReturnType<typeof content>) =>
    station.applications.applyApplication({ name: application(name), source });
  const isReady = (found: wire.Application) => phaseOf(found) === wire.Phase.READY;
  const reasonsOf = (found: wire.Application) =>
    found.environments.flatMap(({ components }) => components.flatMap(({ reasons }) => reasons));
  const deployments = async () => {
    const each = await Promise.all(station.members.map((member) => heldObjects(member.name, member.kubeconfig)));
    return each.flat().flatMap(({ kind, name }) => (kind === 'Deployment' ? [name] : []));
  };

  it('frees the room in the cluster before it is used, and comes to rest', async () => {
    await apply('low', content('low', 7, '1', 1));
    await watchUntil(station, application('low'), isReady);
    await apply('high', content('high', 2, '1500m', 5));
    await watchUntil(station, application('high'), isReady);
    expect(await deployments()).toEqual(['high']);
    const low = await watchUntil(station, application('low'), (found) => phaseOf(found) === wire.Phase.REFUSED);
    expect(reasonsOf(low).map(({ reason }) => reason)).toContain('Preempted');
    const { preempted } = await station.applications.explainApplication({ name: application('high') });
    expect(preempted).toMatchObject([{ application: application('low'), priority: 1 }]);
    await apply('low', content('low', 4, '1', 1));
    await watchUntil(station, application('low'), isReady);
    expect((await deployments()).sort()).toEqual(['high', 'low']);
  });
});
