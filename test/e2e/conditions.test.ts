import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wire } from '#contract';
import type { Flavour } from '../kubernetes/members.js';
import { enrolWith, RawAgent } from '../line/raw-agent.js';
import { type Station, startStation } from './station.js';

/** Agents are spoken by hand here: there is nothing to apply to. */
const nobody: Flavour = {
  name: 'nobody',
  traits: { grpcProbes: true, defaultsPortProtocol: true },
  start: async () => ({ members: [], close: async () => undefined }),
};
const { SAME_MEMBER, AGENT_REVOKED } = wire.ClusterConditionType;

describe('what operators should see to', () => {
  let station: Station;
  beforeAll(async () => {
    station = await startStation(nobody, []);
  });
  afterAll(() => station.close());

  /** An agent's enrolment and first words, as of this member. */
  async function speak(token: wire.EnrolmentToken | undefined, clusterUid: string): Promise<void> {
    const hub = { address: token?.hubAddress ?? '' };
    const identity = await enrolWith({ hub: () => hub }, token?.token ?? '');
    const { agent } = await RawAgent.connected({ hub: () => hub }, identity, { clusterUid });
    await agent.close();
  }

  /** Follows the public watch until the cluster has these conditions, and no others. */
  async function watchedUntil(id: string, types: readonly wire.ClusterConditionType[]): Promise<wire.Cluster> {
    const name = `clusters/${id}`;
    for await (const { event } of station.clusters.watchClusters({ name }, { signal: AbortSignal.timeout(20_000) })) {
      if (event.case !== 'changed') continue;
      const found = event.value.conditions.map(({ type }) => type);
      if (found.length === types.length && found.every((type, index) => type === types[index])) return event.value;
    }
    throw new Error(`the watch of ${name} ended`);
  }

  it('comes to whoever watches a cluster, and goes with its cause', async () => {
    const first = await station.clusters.registerCluster({ clusterId: 'first' });
    await speak(first.enrolmentToken, 'uid-1');
    await watchedUntil('first', []);
    const twin = await station.clusters.registerCluster({ clusterId: 'twin' });
    await speak(twin.enrolmentToken, 'uid-1');
    expect((await watchedUntil('first', [SAME_MEMBER])).conditions[0]?.message).toContain('registered as twin, too');

    await station.clusters.revokeAgent({ name: 'clusters/first' });
    const { conditions } = await watchedUntil('first', [AGENT_REVOKED, SAME_MEMBER]);
    expect(conditions[0]).toMatchObject({ reason: 'RevokedByOperator' });
    await station.clusters.removeCluster({ name: 'clusters/twin' });
    await watchedUntil('first', [AGENT_REVOKED]);
    await speak(await station.clusters.createEnrolmentToken({ name: 'clusters/first' }), 'uid-1');
    await watchedUntil('first', []);
  });
});
