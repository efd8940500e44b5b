import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { wire } from '#contract';
import { isJsonObject, type JsonObject } from '#domain';
import { connectCluster, type KubeClient } from '#kube';
import { describeMembers } from '../kubernetes/members.js';
import { application, fleetReady, phaseOf, type Station, startStation, watchUntil, watchUntilGone } from './station.js';

const name = application('ledger');
const pods = { apiVersion: 'v1', kind: 'Pod' };
const uidOf = ({ metadata }: JsonObject): string => (isJsonObject(metadata) ? `${metadata.uid}` : '');

describeMembers('an application that took over a Deployment', (flavour) => {
  let station: Station;
  let member: KubeClient;
  let namespace = '';
  beforeAll(async () => {
    station = await startStation(flavour, ['one'], { count: 2, cpu: '4', memory: '8Gi' });
    await fleetReady(station);
    const [access] = station.members.map((each) => each.access);
    if (access === undefined) throw new Error('no member');
    member = await connectCluster(access, { userAgent: 'their-own' });
    const [environment] = await station.database.query<{ namespace: string }>('SELECT namespace FROM environments');
    namespace = environment?.namespace ?? '';
  });
  afterAll(async () => {
    await member.close();
    await station.close();
  });

  const podsThere = async (): Promise<string[]> => {
    const uids: string[] = [];
    for await (const page of member.list(pods, { namespace })) uids.push(...page.items.map(uidOf));
    return uids.sort();
  };

  it('is deleted, and leaves the Deployment with its very pods, which count as foreign before their room is free', async () => {
    const labels = { app: 'ledger' };
    const container = {
      name: 'ledger',
      image: 'registry.example.com/ledger:1',
      resources: { requests: { cpu: '500m', memory: '256Mi' } },
    };
    const fieldManager = 'their-own';
    await member.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { fieldManager });
    const theirs = await member.apply(
      {
        ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'ledger', namespace } },
        spec: {
          replicas: 2,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [container] } },
        },
      },
      { fieldManager },
    );
    await station.applications.applyApplication({
      name,
      source: {
        case: 'spec',
        value: create(wire.ApplicationSpecSchema, {
          components: [
            {
              name: 'ledger',
              kind: wire.ComponentKind.SERVICE,
              replicas: 2,
              containers: [{ name: 'ledger', image: container.image, requests: { cpu: '500m', memory: '256Mi' } }],
              objectPolicy: { adoption: wire.AdoptionPolicy.EXISTING },
              kubernetes: { spec: { selector: { matchLabels: labels } }, podMetadata: { labels } },
            },
          ],
        }),
      },
    });
    await watchUntil(station, name, (found) => phaseOf(found) === wire.Phase.READY);
    await expect.poll(async () => (await podsThere()).length, { timeout: 30_000 }).toBe(2);
    const before = await podsThere();
    const counted = async () => {
      const [row] = await station.database.query<{ foreign: string; reserved: string }>(
        'SELECT foreign_mcpu::text AS foreign, reserved_mcpu::text AS reserved FROM cluster_capacity',
      );
      return { foreign: Number(row?.foreign), reserved: Number(row?.reserved) };
    };
    const least: number[] = [];
    const operation = await station.applications.deleteApplication({ name });
    const gone = watchUntilGone(station, name).then(() => 'gone');
    while ((await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 20))])) !== 'gone') {
      const { foreign, reserved } = await counted();
      least.push(foreign + reserved);
    }
    expect(await station.operations.getOperation({ name: operation.name })).toMatchObject({ done: true });
    expect(Math.min(...least)).toBeGreaterThanOrEqual(1_000);
    expect(await counted()).toEqual({ foreign: 1_000, reserved: 0 });
    const left = await member.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'ledger' });
    expect(uidOf(left)).toBe(uidOf(theirs.object));
    expect(await podsThere()).toEqual(before);
  });
});
