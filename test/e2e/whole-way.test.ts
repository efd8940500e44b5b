import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseApplicationFile, wire } from '#contract';
import { heldObjects } from '../../apps/local/members.js';
import { describeMembers } from '../kubernetes/members.js';
import { application, fleetReady, phaseOf, type Station, startStation, watchUntil, watchUntilGone } from './station.js';

const example = parseApplicationFile(
  readFileSync(join(import.meta.dirname, '../../examples/harbour-shop/app.yaml'), 'utf8'),
);
const name = application('harbour-shop');

describeMembers('from a tenant’s call to running pods and back', (flavour) => {
  let station: Station;
  beforeAll(async () => {
    station = await startStation(flavour, ['one', 'two', 'three']);
  });
  afterAll(() => station.close());

  const held = async () => {
    const each = await Promise.all(station.members.map((member) => heldObjects(member.name, member.kubeconfig)));
    return each.flat();
  };

  it('shows the operator how full each cluster is', async () => {
    for (const cluster of await fleetReady(station)) {
      expect(cluster.inventory?.allocatable?.mcpu).toBe(32_000n);
      expect(cluster.inventory?.serverVersion).toMatch(/^v1\./);
      expect(cluster.agent?.connected).toBe(true);
    }
  });

  it('brings a composite application to ready, with the members’ own uids in its status', async () => {
    const applied = await station.applications.applyApplication({ name, source: example.source });
    expect(applied.changed).toBe(true);
    const ready = await watchUntil(station, name, (found) => phaseOf(found) === wire.Phase.READY);
    const inStatus = ready.environments.flatMap((environment) =>
      environment.components.flatMap((component) =>
        component.clusters.flatMap((cluster) => cluster.objects.map((object) => object.uid)),
      ),
    );
    const inMembers = (await held())
      .filter((object) => !['Pod', 'Namespace'].includes(object.kind))
      .map((object) => object.uid);
    expect(inMembers.length).toBeGreaterThanOrEqual(5);
    expect(inStatus).toEqual(expect.arrayContaining(inMembers));
  });

  it('says why each component went where it went, for every cluster', async () => {
    const decision = await station.applications.explainApplication({ name });
    expect(decision.placed).toBe(true);
    for (const group of decision.groups) {
      expect(group.clusters).toHaveLength(3);
      expect(group.division.length).toBeGreaterThan(0);
    }
  });

  it('changes nothing when the same content is applied again', async () => {
    const before = await held();
    const again = await station.applications.applyApplication({ name, source: example.source });
    expect(again.changed).toBe(false);
    expect(await held()).toEqual(before);
  });

  it('rolls a new revision out under the same objects', async () => {
    if (example.source.case !== 'spec') throw new Error('the example is no spec');
    const before = (await held()).find((object) => object.kind === 'Deployment' && object.name === 'worker');
    const components = example.source.value.components.map((component) =>
      component.name === 'worker' ? { ...component, replicas: 5 } : component,
    );
    const source = { case: 'spec', value: { ...example.source.value, components } } as const;
    await station.applications.applyApplication({ name, source });
    await watchUntil(
      station,
      name,
      (found) =>
        phaseOf(found) === wire.Phase.READY &&
        found.environments[0]?.components.find((component) => component.component === 'worker')?.replicas?.ready === 5,
    );
    const after = (await held()).find((object) => object.kind === 'Deployment' && object.name === 'worker');
    expect(after?.uid).toBe(before?.uid);
  });

  it('takes it away from every member, namespaces included, and gives the quota back', async () => {
    const operation = await station.applications.deleteApplication({ name });
    await watchUntilGone(station, name);
    expect(await held()).toEqual([]);
    expect(await station.operations.getOperation({ name: operation.name })).toMatchObject({ done: true });
    const [project] = await station.database.query('SELECT used_mcpu, used_memory_bytes, used_pods FROM projects');
    expect(project).toEqual({ used_mcpu: '0', used_memory_bytes: '0', used_pods: '0' });
    const [capacity] = await station.database.query(
      'SELECT sum(reserved_mcpu)::text AS mcpu, sum(reserved_pods)::text AS pods FROM cluster_capacity',
    );
    expect(capacity).toEqual({ mcpu: '0', pods: '0' });
    await expect(station.applications.getApplication({ name })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
