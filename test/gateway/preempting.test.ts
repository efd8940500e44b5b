import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wire } from '#contract';
import { noColours } from '../../apps/cli/text/look.js';
import { planLines } from '../../apps/cli/text/plan.js';
import { aPlacer, aReaper, type TestPlacer } from '../scheduler/placers.js';
import { Scenario } from '../scheduler/scenario.js';
import { type Clients, type GatewayHarness, refusalOf, startGatewayHarness } from './harness.js';

const project = 'tenants/default/projects/default';
const nameOf = (application: string) => `${project}/applications/${application}`;

/** So many cores in one cluster. */
const content = (name: string, cores: number, priority: number, cluster: string) => ({
  case: 'spec' as const,
  value: {
    components: [{ name, containers: [{ image: 'nginx:1.27', requests: { cpu: `${cores}`, memory: '64Mi' } }] }],
    placement: { clusters: [cluster] },
    priority,
  },
});

describe('preemption through the API', () => {
  let harness: GatewayHarness;
  let owner: Clients;
  let placer: TestPlacer;
  let scenario: Scenario;
  beforeAll(async () => {
    harness = await startGatewayHarness();
    owner = harness.as(harness.ownerKey);
    scenario = new Scenario(harness.db);
    placer = await aPlacer(harness.db, 'one');
    for (const id of ['a', 'b', 'c', 'd']) await scenario.cluster(id, { cores: 4 });
  });
  afterAll(() => harness.close());

  const plan = (name: string, source: ReturnType<typeof content>) =>
    owner.applications.planApplication({ name: nameOf(name), source });
  const apply = (name: string, source: ReturnType<typeof content>, more: { plan?: string } = {}) =>
    owner.applications.applyApplication({ name: nameOf(name), source, ...more });
  const explain = (name: string) => owner.applications.explainApplication({ name: nameOf(name) });
  const schedule = async () => {
    placer.placer.touchAll();
    await placer.placer.refresh();
    while ((await placer.placer.round()).taken > 0);
  };
  const low = async (name: string, cluster: string) => {
    await apply(name, content(name, 4, 1, cluster));
    await schedule();
    await scenario.report();
  };

  it('is shown by a plan, with who would go, and taken exactly', async () => {
    await low('low-a', 'a');
    const source = content('high-a', 3, 5, 'a');
    const planned = await plan('high-a', source);
    expect(planned.preempts).toMatchObject([
      { application: nameOf('low-a'), release: `${project}/environments/default/releases/v1`, priority: 1 },
    ]);
    expect(planned.allotments).toMatchObject([{ component: 'high-a', cluster: 'clusters/a', now: 0, planned: 1 }]);
    expect(planned.decision).toMatchObject({ placed: false });
    const text = planLines('high-a', planned, 'berth apply', { palette: noColours, now: Date.now(), bars: false });
    expect(text.slice(0, 1)).toEqual(['high-a: 1 application would have to give way']);
    expect(text.join('\n')).toMatch(/low-a +v1 +1/);
    expect((await scenario.phases())['low-a'], 'a plan takes nothing').toBe('placed');
    const answer = await apply('high-a', source, { plan: planned.plan });
    expect(answer).toMatchObject({ changed: true, release: { phase: wire.ReleasePhase.REFUSED } });
    expect(await scenario.phases()).toMatchObject({ 'low-a': 'refused', 'high-a': 'refused' });
    const [environment] = answer.application?.environments ?? [];
    expect(environment?.components[0]?.reasons[0]).toMatchObject({
      reason: 'Preempting',
      message: 'waits until low-a (priority 1) has left: by its priority of 5 it takes their room',
    });
    expect(await scenario.violations()).toEqual([]);
    expect((await explain('high-a')).preempted).toMatchObject([{ application: nameOf('low-a'), priority: 1 }]);
    expect((await explain('low-a')).preemptedBy).toMatchObject({ application: nameOf('high-a'), priority: 5 });
    const reaper = await aReaper(harness.db, 'r1');
    for (let round = 0; round < 6; round++) {
      await scenario.report();
      await reaper.round();
    }
    await schedule();
    expect(await scenario.phases()).toMatchObject({ 'low-a': 'refused', 'high-a': 'placed' });
    expect((await explain('high-a')).preempted).toHaveLength(1);
    expect(await scenario.violations()).toEqual([]);
  });

  it('is not taken when somebody else would have to go now, or nobody', async () => {
    await low('low-b', 'b');
    const source = content('high-b', 3, 5, 'b');
    const planned = await plan('high-b', source);
    await apply('low-b', content('low-b', 4, 5, 'b'));
    await schedule();
    const refusal = await refusalOf(apply('high-b', source, { plan: planned.plan }));
    expect(refusal.message).toContain('low-b need not give way now');
    await apply('low-b', content('low-b', 4, 2, 'b'));
    await schedule();
    const other = await refusalOf(apply('high-b', source, { plan: planned.plan }));
    expect(other.message).toContain('low-b (priority 2) would have to give way now');
    await harness.db.query(`UPDATE cluster_capacity SET allocatable_mcpu = 9000 WHERE cluster_id = 'b'`);
    await expect(apply('high-b', source, { plan: planned.plan })).rejects.toThrow('low-b need not give way now');
    expect(await scenario.phases()).toMatchObject({ 'low-b': 'placed' });
  });

  it('lets a deleted victim end when its clusters have confirmed, and not before', async () => {
    await low('low-c', 'c');
    await apply('high-c', content('high-c', 4, 5, 'c'));
    await schedule();
    expect(await scenario.phases()).toMatchObject({ 'low-c': 'refused', 'high-c': 'refused' });
    const operation = await owner.applications.deleteApplication({ name: nameOf('low-c') });
    expect(operation.done).toBe(false);
    expect(await scenario.phases()).toMatchObject({ 'low-c': 'removing' });
    const reaper = await aReaper(harness.db, 'r2');
    for (let round = 0; round < 6; round++) {
      await scenario.report();
      await reaper.round();
    }
    await schedule();
    expect(await scenario.phases()).toMatchObject({ 'low-c': 'removed', 'high-c': 'placed' });
    expect(await owner.operations.getOperation({ name: operation.name })).toMatchObject({ done: true });
    expect(await scenario.violations()).toEqual([]);
  });

  it('goes by what an application says of it, and shows that', async () => {
    await low('low-d', 'd');
    const source = content('meek-d', 4, 5, 'd');
    const meek = { ...source, value: { ...source.value, preemption: wire.Preemption.NEVER } };
    expect((await plan('meek-d', meek)).preempts).toEqual([]);
    const { application } = await apply('meek-d', meek);
    expect(application?.spec?.preemption).toBe(wire.Preemption.NEVER);
    await schedule();
    expect(await scenario.phases()).toMatchObject({ 'low-d': 'placed', 'meek-d': 'refused' });
  });
});
