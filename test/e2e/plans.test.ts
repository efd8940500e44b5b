import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseApplicationFile, wire } from '#contract';
import { RpcError } from '#platform';
import { describeMembers } from '../kubernetes/members.js';
import { Scenario } from '../scheduler/scenario.js';
import { application, fleetReady, phaseOf, type Station, startStation, watchUntil } from './station.js';

const example = parseApplicationFile(
  readFileSync(join(import.meta.dirname, '../../examples/harbour-shop/app.yaml'), 'utf8'),
);
const shop = application('harbour-shop');

/** One component; each replica takes most of a node. */
const large = (name: string, replicas: number, clusters: string[] = []) => ({
  case: 'spec' as const,
  value: {
    components: [{ name, replicas, containers: [{ image: 'nginx:1.27', requests: { cpu: '5', memory: '1Gi' } }] }],
    placement: { clusters },
  },
});

describeMembers('plans, from the call to running pods', (flavour) => {
  let station: Station;
  let scenario: Scenario;
  beforeAll(async () => {
    station = await startStation(flavour, ['one', 'two', 'three']);
    scenario = new Scenario(station.database);
    await fleetReady(station);
  });
  afterAll(() => station.close());

  const sharesOf = (found: wire.Application) =>
    found.environments.flatMap(({ components }) =>
      components.flatMap(({ component, clusters }) =>
        clusters.map(({ cluster, replicas }) => `${component} ${cluster} ${replicas?.desired}`),
      ),
    );
  const isReady = (found: wire.Application) => phaseOf(found) === wire.Phase.READY;

  it('bring linked components to ready exactly where they were planned, without a scheduler’s doing', async () => {
    const plan = await station.applications.planApplication({ name: shop, source: example.source });
    const linked = plan.decision?.groups.map(({ components }) => components.length) ?? [];
    expect(Math.max(...linked)).toBeGreaterThan(1);
    const answer = await station.applications.applyApplication({
      ...{ name: shop, source: example.source },
      plan: plan.plan,
    });
    expect(answer.release?.phase).toBe(wire.ReleasePhase.PLACED);
    const ready = await watchUntil(station, shop, isReady);
    expect(sharesOf(ready).sort()).toEqual(
      plan.allotments.map(({ component, cluster, planned }) => `${component} ${cluster} ${planned}`).sort(),
    );
  });

  it('give up when another application has taken the room, and what runs goes on untouched', async () => {
    const name = application('late');
    await station.applications.applyApplication({ name, source: large('late', 1, ['one']) });
    const before = await watchUntil(station, name, isReady);
    const wanted = large('late', 3, ['one']);
    const plan = await station.applications.planApplication({ name, source: wanted });
    expect(plan.decision?.placed).toBe(true);
    const rival = application('rival');
    await station.applications.applyApplication({ name: rival, source: large('rival', 2, ['one']) });
    await watchUntil(station, rival, isReady);
    const asked = station.applications.applyApplication({ name, source: wanted, plan: plan.plan });
    await expect(asked).rejects.toMatchObject({
      code: 'ABORTED',
      message: expect.stringMatching(/late in one: planned 3, now none/),
    });
    const after = await station.applications.getApplication({ name });
    expect(after).toMatchObject({ etag: before.etag, revision: 1n });
    expect(sharesOf(after)).toEqual(sharesOf(before));
    expect(isReady(after)).toBe(true);
  });

  it('are whole or nothing while schedulers place beside them, and no cluster is over-committed', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `rush-${index}`);
    const planned = await Promise.all(
      names.map(async (id) => {
        const request = { name: application(id), source: large(id, 3, ['two', 'three']) };
        return { request, plan: await station.applications.planApplication(request) };
      }),
    );
    const outcomes = await Promise.allSettled(
      planned.map(({ request, plan }, index) =>
        station.applications.applyApplication({ ...request, plan: index % 2 === 0 ? plan.plan : '' }),
      ),
    );
    for (const [index, outcome] of outcomes.entries()) {
      const { request, plan } = planned[index] ?? {};
      if (outcome.status === 'fulfilled' || request === undefined || plan === undefined) continue;
      expect(outcome.reason).toBeInstanceOf(RpcError);
      expect(outcome.reason).toMatchObject({ code: 'ABORTED' });
      await expect(station.applications.getApplication({ name: request.name })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
    }
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(4);
    expect(await scenario.violations()).toEqual([]);
  });
});
