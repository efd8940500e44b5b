import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { wire } from '#contract';
import type { JsonObject } from '#domain';
import { connectCluster, identityOf, type KubeClient } from '#kube';
import { describeMembers } from '../kubernetes/members.js';
import { application, fleetReady, phaseOf, type Station, startStation, watchUntil } from './station.js';

const { READY, REFUSED } = wire.Phase;
const nodeKind = { apiVersion: 'v1', kind: 'Node' };

const specOf = (name: string, podSpec: JsonObject, replicas: number) =>
  create(wire.ApplicationSpecSchema, {
    components: [
      {
        name,
        replicas,
        containers: [{ image: 'registry.example/db:1', requests: { cpu: '3', memory: '1Gi' } }],
        kubernetes: { podSpec },
      },
    ],
  });

describeMembers('labels of nodes', (flavour) => {
  let station: Station;
  const clients = new Map<string, KubeClient>();
  beforeAll(async () => {
    station = await startStation(flavour, ['north', 'south']);
    for (const { name, access } of station.members)
      clients.set(name, await connectCluster(access, { userAgent: 'labeller' }));
    await label('north', 2, { disk: 'ssd' });
    await fleetReady(station);
  });
  afterAll(async () => {
    for (const client of clients.values()) await client.close();
    await station.close();
  });

  /** Puts these labels on the first of a cluster's nodes. */
  async function label(cluster: string, count: number, labels: Record<string, string>): Promise<void> {
    const client = clients.get(cluster);
    if (client === undefined) throw new Error(`no cluster ${cluster}`);
    const names: string[] = [];
    for await (const { items } of client.list(nodeKind)) names.push(...items.map((node) => identityOf(node).name));
    for (const name of names.sort().slice(0, count))
      await client.patchMerge({ ...nodeKind, namespace: '', name }, { metadata: { labels } });
  }

  const apply = (id: string, podSpec: JsonObject, replicas = 1) =>
    station.applications.applyApplication({
      ...{ name: application(id), environment: 'default' },
      source: { case: 'spec', value: specOf(id, podSpec, replicas) },
    });
  const clustersOf = (found: wire.Application) =>
    found.environments.flatMap(({ components }) => components.flatMap(({ clusters }) => clusters));
  const reasonsOf = (found: wire.Application) =>
    found.environments.flatMap(({ components }) => components.flatMap(({ reasons }) => reasons));

  it('decide where components go that select by them, and how many fit there', async () => {
    await apply('fast', { nodeSelector: { disk: 'ssd' } }, 3);
    const placed = await watchUntil(station, application('fast'), (found) => phaseOf(found) === READY);
    expect(clustersOf(placed).map(({ cluster, replicas }) => [cluster, replicas?.desired])).toEqual([
      ['clusters/north', 3],
    ]);

    const freeOnSsd = async () => {
      const { inventory } = await station.clusters.getCluster({ name: 'clusters/north' });
      const ssd = inventory?.nodeClasses.filter(({ labels }) => labels.disk === 'ssd') ?? [];
      return ssd.reduce((sum, { nodes, free }) => sum + nodes * Number(free?.mcpu), 0);
    };
    await expect.poll(freeOnSsd, { timeout: 30_000 }).toBe(7_000);
    await apply('faster', { nodeSelector: { disk: 'ssd' } }, 2);
    const full = await watchUntil(station, application('faster'), (found) => phaseOf(found) === REFUSED);
    expect(reasonsOf(full)[0]?.message, 'nodes with room are there, and of 8 cores takes two').toMatch(
      /only 1 of 2 × faster fit.*1 has no node that faster may run on \(disk=ssd\)/,
    );
  });

  it('that no node has are waited for: placed by itself when such nodes come', async () => {
    const affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'In', values: ['tape'] }] }],
        },
      },
    };
    await apply('archive', { affinity });
    const refused = await watchUntil(station, application('archive'), (found) =>
      reasonsOf(found).some(({ reason }) => reason === 'NoNodeMatches'),
    );
    expect(phaseOf(refused)).toBe(REFUSED);
    expect(reasonsOf(refused)[0]?.message).toContain('2 have no node that archive may run on (disk=tape)');

    await label('south', 1, { disk: 'tape' });
    const placed = await watchUntil(station, application('archive'), (found) => phaseOf(found) === READY);
    expect(clustersOf(placed).map(({ cluster }) => cluster)).toEqual(['clusters/south']);
    const south = await station.clusters.getCluster({ name: 'clusters/south' });
    expect(south.inventory?.nodeClasses.map(({ labels }) => labels)).toContainEqual({ disk: 'tape' });
  });
});
