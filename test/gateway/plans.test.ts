import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wire } from '#contract';
import { placementStore } from '#store';
import { aPlacer, type TestPlacer } from '../scheduler/placers.js';
import { Scenario } from '../scheduler/scenario.js';
import { type Clients, type GatewayHarness, refusalOf, startGatewayHarness } from './harness.js';
import { countRows, rowsUnchangedBy } from './rows.js';

const project = 'tenants/default/projects/default';
const nameOf = (application: string) => `${project}/applications/${application}`;

/** Of one component that asks for a whole core a replica, over two clusters. */
const content = (replicas: number, name = 'web', image = 'nginx:1.27', clusters: string[] = []) => ({
  case: 'spec' as const,
  value: {
    components: [{ name, replicas, containers: [{ image, requests: { cpu: '1', memory: '64Mi' } }] }],
    placement: { minClusters: 1, clusters },
  },
});

const shares = ({ allotments }: wire.Plan) =>
  allotments.map(({ component, cluster, now, planned }) => `${component} ${cluster} ${now} → ${planned}`);

describe('plans', () => {
  let harness: GatewayHarness;
  let owner: Clients;
  let placer: TestPlacer;
  let scenario: Scenario;
  beforeAll(async () => {
    harness = await startGatewayHarness();
    owner = harness.as(harness.ownerKey);
    scenario = new Scenario(harness.db);
    placer = await aPlacer(harness.db, 'one');
    for (const [id, cores] of [
      ['east', 20],
      ['west', 10],
    ] as const)
      await scenario.cluster(id, { cores, nodes: 2 });
  });
  afterAll(() => harness.close());

  const plan = (application: string, source = content(3, application), environment = '') =>
    owner.applications.planApplication({ name: nameOf(application), source, environment });
  const apply = (application: string, source = content(3, application), more: { plan?: string } = {}) =>
    owner.applications.applyApplication({ name: nameOf(application), source, ...more });
  const schedule = async () => {
    await placer.placer.refresh();
    return await placer.placer.round();
  };
  const placed = async (application: string) =>
    (
      await harness.db.query<{ text: string }>(
        `SELECT p.component || ' ' || p.cluster_id || ' ' || p.replicas AS text FROM placements p
         JOIN applications a ON a.uid = p.application_uid WHERE a.id = $1 ORDER BY 1`,
        [application],
      )
    ).map(({ text }) => text);
  const verdicts = ({ groups }: wire.Decision) =>
    groups.map((group) => [
      group.division,
      group.clusters.map(({ cluster, outcome, total, allotments }) => [cluster, outcome, total, allotments]),
    ]);

  it('show what an apply then does, with the same reasons, and change nothing', async () => {
    let planned: wire.Plan | undefined;
    await rowsUnchangedBy(harness.db, async () => {
      planned = await plan('shown');
      await harness.db.query(`DELETE FROM plans`);
      await harness.db.query(`DELETE FROM audit WHERE action = 'applications.plan'`);
    });
    if (planned?.decision === undefined) throw new Error('there is no plan');
    expect(planned).toMatchObject({ changed: true, refusals: [], application: nameOf('shown') });
    expect(planned.decision).toMatchObject({ placed: true, id: '', release: '' });
    await apply('shown');
    expect(await schedule()).toMatchObject({ placed: 1 });
    expect(await placed('shown')).toEqual(
      planned.allotments.map((each) => `${each.component} ${each.cluster.slice('clusters/'.length)} ${each.planned}`),
    );
    const decision = await owner.applications.explainApplication({ name: nameOf('shown') });
    expect(verdicts(planned.decision)).toEqual(verdicts(decision));
    expect(planned.decision.placements).toEqual(decision.placements);
  });

  it('are taken exactly, at once and whole: placed when the call answers, with works, reservation, record and audit', async () => {
    const planned = await plan('taken');
    const answer = await apply('taken', content(3, 'taken'), { plan: planned.plan });
    expect(answer).toMatchObject({ changed: true, release: { phase: wire.ReleasePhase.PLACED } });
    expect(await placed('taken')).toEqual(
      planned.allotments.map((each) => `${each.component} ${each.cluster.slice('clusters/'.length)} ${each.planned}`),
    );
    expect(await scenario.violations()).toEqual([]);
    const decision = await owner.applications.explainApplication({ name: nameOf('taken') });
    expect(verdicts(decision)).toEqual(verdicts(planned.decision ?? decision));
    const audited = await harness.db.query<{ action: string }>(
      `SELECT action FROM audit WHERE target LIKE '%taken' OR (action = 'placement.commit' AND after ->> 'decision' = $1) ORDER BY id`,
      [decision.id],
    );
    expect(audited.map(({ action }) => action)).toEqual([
      'applications.plan',
      'applications.apply',
      'placement.commit',
    ]);
    expect(await schedule(), 'there is nothing left for a scheduler').toMatchObject({ taken: 0 });
  });

  it('say from where to where, and that nothing changes when all is so already', async () => {
    const spread = content(2, 'moved', 'nginx:1.27', ['west']);
    await apply('moved', spread, { plan: (await plan('moved', spread)).plan });
    const elsewhere = content(3, 'moved', 'nginx:1.27', ['east']);
    const planned = await plan('moved', elsewhere);
    expect(shares(planned)).toEqual(['moved clusters/east 0 → 3', 'moved clusters/west 2 → 0']);
    await apply('moved', elsewhere, { plan: planned.plan });
    expect(await placed('moved')).toEqual(['moved east 3']);
    expect(await scenario.violations()).toEqual([]);
    const again = await plan('moved', elsewhere);
    expect(again).toMatchObject({ changed: false });
    expect(shares(again)).toEqual(['moved clusters/east 3 → 3']);
    expect(await apply('moved', elsewhere, { plan: again.plan })).toMatchObject({ changed: false });
  });

  it('that do not hold any more change nothing, and the answer says what differs', async () => {
    const before = content(1, 'late', 'nginx:1.27', ['west']);
    await apply('late', before, { plan: (await plan('late', before)).plan });
    const wanted = content(4, 'late', 'nginx:1.28', ['west']);
    const planned = await plan('late', wanted);
    expect(shares(planned)).toEqual(['late clusters/west 1 → 4']);
    const free = await harness.db.query<{ free: number }>(
      `SELECT ((allocatable_mcpu - reserved_mcpu) / 1000)::int AS free FROM cluster_capacity WHERE cluster_id = 'west'`,
    );
    const rival = content((free[0]?.free ?? 0) - 1, 'rival', 'nginx:1.27', ['west']);
    await apply('rival', rival, { plan: (await plan('rival', rival)).plan });
    await rowsUnchangedBy(harness.db, async () => {
      const refusal = await refusalOf(apply('late', wanted, { plan: planned.plan }));
      expect(refusal.code).toBe('ABORTED');
      expect(refusal.message).toMatch(
        /nothing was changed: now .* only 2 of 4 × late fit.*; late in west: planned 4, now none\. Plan again$/,
      );
      expect(refusal.details.errorInfo).toMatchObject({ reason: 'PLAN_OUTDATED' });
    });
    expect(await owner.applications.getApplication({ name: nameOf('late') })).toMatchObject({ revision: 1n });
    expect(await placed('late')).toEqual(['late west 1']);
    await owner.applications.deleteApplication({ name: nameOf('rival') });
  });

  it('name cluster, component, planned and now when another division is due', async () => {
    await scenario.cluster('south', { cores: 10, nodes: 2 });
    await scenario.cluster('north', { cores: 10, nodes: 2 });
    const wanted = content(6, 'shifted', 'nginx:1.27', ['north', 'south']);
    const planned = await plan('shifted', wanted);
    expect(shares(planned)).toEqual(['shifted clusters/north 0 → 3', 'shifted clusters/south 0 → 3']);
    const rival = content(8, 'greedy', 'nginx:1.27', ['south']);
    await apply('greedy', rival, { plan: (await plan('greedy', rival)).plan });
    await rowsUnchangedBy(harness.db, async () => {
      const { code, message } = await refusalOf(apply('shifted', wanted, { plan: planned.plan }));
      expect(code).toBe('ABORTED');
      expect(message).toMatch(/shifted in north: planned 3, now \d; shifted in south: planned 3, now \d\. Plan again$/);
    });
  });

  it('that want the same room at once: one is taken whole, the others not at all', async () => {
    await scenario.cluster('tight', { cores: 10, nodes: 2 });
    const wanted = (name: string) => content(8, name, 'nginx:1.27', ['tight']);
    const rivals = await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (name) => ({ name, token: (await plan(name, wanted(name))).plan })),
    );
    const asked = await Promise.allSettled(rivals.map(({ name, token }) => apply(name, wanted(name), { plan: token })));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const codes = asked.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []));
    expect(codes).toEqual(['ABORTED', 'ABORTED', 'ABORTED']);
    expect(await countRows(harness.db, `applications WHERE id IN ('a', 'b', 'c', 'd')`)).toBe(1);
    expect(await scenario.violations()).toEqual([]);
  });

  it('are for the application as it was: whoever changed it meanwhile is not overwritten', async () => {
    const planned = await plan('edited');
    await apply('edited', content(1, 'edited'));
    await rowsUnchangedBy(harness.db, async () => {
      const { code, message } = await refusalOf(apply('edited', content(3, 'edited'), { plan: planned.plan }));
      expect(code).toBe('ABORTED');
      expect(message).toMatch(/the application has changed \(etag "" when planned, now ".+"\)/);
    });
  });

  it('of what has no place say why in words, and there is nothing to hand in', async () => {
    const planned = await plan('huge', content(500, 'huge'));
    expect(planned).toMatchObject({ plan: '', changed: true, decision: { placed: false } });
    expect(planned.refusals.join()).toMatch(/500 × huge/);
    expect(planned.expireTime).toBeUndefined();
    expect(await countRows(harness.db, `plans WHERE application_id = 'huge'`)).toBe(0);
  });

  it('check what an apply checks: fields, quota, etag', async () => {
    const wrong = await refusalOf(plan('wrong', content(-1, 'wrong')));
    expect(wrong.details.badRequest?.fieldViolations.map(({ field }) => field)).toEqual([
      'spec.components[0].replicas',
    ]);
    const stale = owner.applications.planApplication({ name: nameOf('etagged'), source: content(1, 'e'), etag: 'old' });
    expect((await refusalOf(stale)).code).toBe('ABORTED');
    const operator = harness.as(harness.operatorKey);
    await operator.tenancy.setQuota({ name: project, quota: { pods: 1n } });
    const { code } = await refusalOf(plan('beyond'));
    await operator.tenancy.setQuota({ name: project, quota: {} });
    expect(code).toBe('RESOURCE_EXHAUSTED');
  });

  it('that are none, were changed, have expired or are for something else are refused, each with its reason', async () => {
    const { plan: token } = await plan('misused');
    const ask = (with_: string, application = 'misused', source = content(3, 'misused')) =>
      refusalOf(apply(application, source, { plan: with_ }));
    const violation = async (...asked: Parameters<typeof ask>) =>
      (await ask(...asked)).details.badRequest?.fieldViolations.map(
        ({ field, description }) => `${field}: ${description}`,
      );
    expect(await violation('nonsense')).toEqual([
      'plan: found "nonsense"; allowed is what PlanApplication answered, plan_<id>_<digest>',
    ]);
    const tampered = `${token.slice(0, -4)}${token.endsWith('0000') ? '1111' : '0000'}`;
    expect(await violation(tampered)).toEqual([expect.stringMatching(/^plan: .*changed on its way/)]);
    expect(await violation(token, 'other')).toEqual([expect.stringMatching(/^plan: was made for .*misused .*other/)]);
    expect(await violation(token, 'misused', content(4, 'misused'))).toEqual([
      expect.stringMatching(/^plan: was made for other content/),
    ]);
    const unknown = `plan_${randomUUID().replaceAll('-', '')}_${'0'.repeat(32)}`;
    expect((await ask(unknown)).code).toBe('NOT_FOUND');
    await harness.db.query(
      `UPDATE plans SET expires_at = clock_timestamp() - interval '1 s' WHERE application_id = 'misused'`,
    );
    const expired = await ask(token);
    expect(expired).toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringMatching(/expired at .*plan again/),
    });
    expect(expired.details.errorInfo?.reason).toBe('PLAN_EXPIRED');
    expect(await countRows(harness.db, `applications WHERE id = 'misused'`)).toBe(0);
  });

  it('are swept a day after they expired, and not found then', async () => {
    const { plan: token } = await plan('swept');
    const trim = () =>
      placer.store.unitOfWork.run({ kind: 'system', actor: 'test' }, (tx) =>
        placementStore.trim(tx, {
          idempotencyHours: 24,
          tokenHours: 24,
          feedHours: 24,
          tombstoneHours: 24,
          planHours: 24,
        }),
      );
    expect(await trim()).toMatchObject({ plans: 0 });
    await harness.db.query(
      `UPDATE plans SET expires_at = clock_timestamp() - interval '25 hours' WHERE application_id = 'swept'`,
    );
    expect(await trim()).toMatchObject({ plans: 1 });
    const refusal = await refusalOf(apply('swept', content(3, 'swept'), { plan: token }));
    expect(refusal.code).toBe('NOT_FOUND');
  });

  it('of another tenant are not found', async () => {
    const { plan: token } = await plan('ours');
    const made = await harness.as(harness.operatorKey).tenancy.createTenant({ tenantId: 'rival' });
    const rival = harness.as(made.ownerKeySecret);
    const refusal = await refusalOf(
      rival.applications.applyApplication({
        name: 'tenants/rival/projects/default/applications/ours',
        source: content(3, 'ours'),
        plan: token,
      }),
    );
    expect(refusal.code).toBe('NOT_FOUND');
  });

  it('handed in twice with one request id are taken once', async () => {
    const { plan: token } = await plan('repeated');
    const ask = () =>
      owner.applications.applyApplication({
        name: nameOf('repeated'),
        source: content(3, 'repeated'),
        plan: token,
        requestId: 'once',
      });
    expect(await ask()).toEqual(await ask());
    expect(await countRows(harness.db, `releases WHERE application_id = 'repeated'`)).toBe(1);
  });

  it('checked only are not taken', async () => {
    const { plan: token } = await plan('checked');
    const request = { name: nameOf('checked'), source: content(3, 'checked'), plan: token };
    await rowsUnchangedBy(harness.db, async () => {
      const answer = await owner.applications.applyApplication({ ...request, validateOnly: true });
      expect(answer.release?.phase).toBe(wire.ReleasePhase.PLACED);
    });
    expect(await owner.applications.applyApplication(request)).toMatchObject({ changed: true });
  });
});
