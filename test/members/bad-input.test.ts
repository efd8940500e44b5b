import { afterAll, beforeAll, expect, it } from 'vitest';
import { wire } from '#contract';
import { connectCluster, type KubeClient } from '#kube';
import { RpcError } from '#platform';
import { application, fleetReady, phaseOf, type Station, startStation, watchUntil } from '../e2e/station.js';
import { describeMembers } from '../kubernetes/members.js';

const containers = [{ name: 'main', image: 'registry.example/web:1' }];
const boat = { apiVersion: 'harbour.example/v1', kind: 'Boat', metadata: { name: 'tug' }, spec: { length: 12 } };

/** What a tenant hands in that can't go well: told at once, or at its own application; others go on. */
describeMembers('input that no member could take', (flavour) => {
  let station: Station;
  let hand: KubeClient;
  beforeAll(async () => {
    station = await startStation(flavour, ['only']);
    const [member] = station.members;
    if (member === undefined) throw new Error('no member was started');
    hand = await connectCluster(member.access, { userAgent: 'kubectl/1' });
    await fleetReady(station);
  });
  afterAll(async () => {
    await hand?.close();
    await station?.close();
  });

  const refusalOf = async (call: Promise<unknown>): Promise<RpcError> => {
    try {
      await call;
    } catch (error) {
      if (error instanceof RpcError) return error;
      throw error;
    }
    throw new Error('it was not refused');
  };

  it('a manifest of 3 MiB is refused with its size and the limit', async () => {
    const comment = `# ${'x'.repeat(3 * 2 ** 20)}\n`;
    const source = { case: 'manifests', value: { content: comment } } as const;
    const refusal = await refusalOf(station.applications.applyApplication({ name: application('large'), source }));
    expect(refusal.code).toBe('INVALID_ARGUMENT');
    expect(refusal.details.badRequest?.fieldViolations).toMatchObject([
      { field: 'manifests', description: `found ${comment.length} bytes; allowed are at most 2097152` },
    ]);
  });

  it('a spec of 3 MiB is refused with its size and the limit', async () => {
    const env = [{ name: 'BIG', value: 'x'.repeat(3 * 2 ** 20) }];
    const value = { components: [{ name: 'large', containers: [{ ...containers[0], env }] }] };
    const source = { case: 'spec', value } as const;
    const refusal = await refusalOf(station.applications.applyApplication({ name: application('large'), source }));
    expect(refusal.code).toBe('INVALID_ARGUMENT');
    const description = expect.stringMatching(/^found 31\d{5} bytes; allowed are at most 2097152$/);
    expect(refusal.details.badRequest?.fieldViolations).toMatchObject([{ field: 'spec', description }]);
  });

  it('a kind that no cluster has is a refusal at its application, until one has it', async () => {
    const name = application('harbour');
    const value = { components: [{ name: 'crane', containers, kubernetes: { objects: [boat] } }] };
    await station.applications.applyApplication({ name, source: { case: 'spec', value } });
    const refused = await watchUntil(station, name, (found) => phaseOf(found) === wire.Phase.REFUSED);
    const reasons = refused.environments[0]?.components.flatMap((component) => component.reasons) ?? [];
    expect(reasons.map(({ reason }) => reason)).toContain('KindNotServed');
    expect(JSON.stringify(reasons.map(({ message }) => message))).toContain('Boat');

    const other = application('beside');
    const plain = { components: [{ name: 'beside', containers }] };
    await station.applications.applyApplication({ name: other, source: { case: 'spec', value: plain } });
    await watchUntil(station, other, (found) => phaseOf(found) === wire.Phase.READY);

    const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    await hand.apply(
      {
        ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
        metadata: { name: 'boats.harbour.example' },
        spec: {
          group: 'harbour.example',
          scope: 'Namespaced',
          names: { kind: 'Boat', plural: 'boats' },
          versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
        },
      },
      { fieldManager: 'their-own' },
    );
    await watchUntil(station, name, (found) => phaseOf(found) === wire.Phase.READY, 120_000);
  }, 180_000);
});
