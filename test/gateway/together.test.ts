import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clients, type GatewayHarness, refusalOf, specOf, startGatewayHarness } from './harness.js';

const project = 'tenants/default/projects/default';

describe('applies that come at once to one project', () => {
  let harness: GatewayHarness;
  let owner: Clients;
  beforeAll(async () => {
    harness = await startGatewayHarness();
    owner = harness.as(harness.ownerKey);
  });
  afterAll(() => harness.close());

  const apply = (id: string, replicas = 1) =>
    owner.applications.applyApplication({
      name: `${project}/applications/${id}`,
      source: { case: 'spec', value: specOf(replicas, id) },
      requestId: `together-${id}`,
    });
  const ids = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
  const one = async (sql: string) => (await harness.db.query<Record<string, number>>(sql))[0];

  it('share transactions, and each has a release of its own, charged once', async () => {
    const answers = await Promise.all(ids('many', 40).map((id) => apply(id)));
    expect(answers.map(({ application }) => application?.name).sort()).toEqual(
      ids(`${project}/applications/many`, 40).sort(),
    );
    const releases = await one(
      'SELECT count(*)::int AS all, min(number)::int AS first, max(number)::int AS last, count(DISTINCT xmin::text)::int AS transactions FROM releases',
    );
    expect(releases).toMatchObject({ all: 40, first: 1, last: 40 });
    expect(releases?.transactions).toBeLessThan(20);
    expect(await one('SELECT used_pods::int AS pods, used_mcpu::int AS mcpu FROM projects')).toEqual({
      pods: 40,
      mcpu: 4_000,
    });
    expect(await one('SELECT next_release::int AS next FROM environments')).toEqual({ next: 41 });
  });

  it('fill the quota to the last pod and no further; only what is beyond it is refused', async () => {
    await harness.as(harness.operatorKey).tenancy.setQuota({ name: project, quota: { pods: 50n } });
    const asked = await Promise.allSettled(ids('full', 24).map((id) => apply(id)));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(await one('SELECT used_pods::int AS pods FROM projects')).toEqual({ pods: 50 });
    expect(await one('SELECT count(*)::int AS all, max(number)::int AS last FROM releases')).toEqual({
      all: 50,
      last: 50,
    });
    const refusal = await refusalOf(apply('one-more'));
    expect(refusal.code).toBe('RESOURCE_EXHAUSTED');
  });
});
