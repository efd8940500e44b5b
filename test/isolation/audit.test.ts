import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '#domain';
import { specOf } from '../gateway/harness.js';
import { writersOf } from '../gateway/rows.js';
import { cases } from './cases.js';
import { createWorld, project, shop, type World } from './world.js';

/** Methods that change nothing; every other one does. */
const reads = /\.(Get|List|Watch|Explain)/;

/** What, before, after. */
interface Recorded {
  action: string;
  target: unknown;
  before: unknown;
  after: unknown;
}

const settings = { region: '', zone: '', provider: '', labels: {}, taints: [], cordoned: false };
const overSubscription = { mcpuPermille: 1000, memoryPermille: 1000 };
const unlimited = { mcpu: null, memoryBytes: null, pods: null };
const digest = expect.stringMatching(/^[0-9a-f]{64}$/);
const release = expect.stringMatching(/^v\d+$/);
const chargeOf = (replicas: number) => ({ mcpu: 100 * replicas, memoryBytes: 2 ** 26 * replicas, pods: replicas });
const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

/** By method: what its entry says of the call in `cases`. A mutation without one fails the suite. */
const recorded: Readonly<Record<string, Recorded>> = {
  'TenancyService.CreateTenant': {
    action: 'tenants.create',
    target: 'tenants/fresh',
    before: null,
    after: { displayName: '', ownerKey: expect.stringMatching(/^[a-z0-9]+$/) },
  },
  'TenancyService.CreateProject': {
    action: 'projects.create',
    target: 'tenants/acme/projects/fresh',
    before: null,
    after: { displayName: '' },
  },
  'TenancyService.SetTenantWeight': {
    action: 'tenants.setWeight',
    target: 'tenants/acme',
    before: { weight: 1 },
    after: { weight: 7 },
  },
  'TenancyService.SetQuota': {
    action: 'projects.setQuota',
    target: project,
    before: unlimited,
    after: { ...unlimited, mcpu: 100_000 },
  },
  'TenancyService.CreateEnvironment': {
    action: 'environments.create',
    target: `${project}/environments/fresh`,
    before: null,
    after: { displayName: '', namespace: expect.stringMatching(/^berth-/) },
  },
  'TenancyService.CreateApiKey': {
    action: 'keys.create',
    target: expect.stringMatching(/^tenants\/acme\/apiKeys\//),
    before: null,
    after: { role: 'viewer', project: null, expires: null },
  },
  'TenancyService.RevokeApiKey': {
    action: 'keys.revoke',
    target: expect.stringMatching(/^tenants\/acme\/apiKeys\//),
    before: { revoked: false },
    after: { revoked: true },
  },
  'ApplicationService.ApplyApplication': {
    action: 'applications.apply',
    target: `${project}/applications/fresh`,
    before: null,
    after: { revision: '1', digest, environment: 'default', release, charge: chargeOf(1) },
  },
  'ApplicationService.PlanApplication': {
    action: 'applications.plan',
    target: `${project}/applications/planned`,
    before: null,
    after: {
      plan: expect.stringMatching(/^[0-9a-f-]{36}$/),
      environment: 'default',
      digest,
      allotments: [{ component: 'planned', cluster: 'north', replicas: 1 }],
    },
  },
  'ApplicationService.DeleteApplication': {
    action: 'applications.delete',
    target: `${project}/applications/doomed`,
    before: { revision: '1', digest, releases: [expect.stringMatching(/^default\/v\d+$/)] },
    after: { operation: expect.stringMatching(/^[0-9a-f-]{36}$/), gone: true },
  },
  'ClusterService.RegisterCluster': {
    action: 'clusters.register',
    target: 'clusters/fresh',
    before: null,
    after: { ...settings, overSubscription },
  },
  'ClusterService.CreateEnrolmentToken': {
    action: 'clusters.createEnrolmentToken',
    target: 'clusters/north',
    before: null,
    after: { token: expect.stringMatching(/^[a-z0-9]{12}$/), expires: instant },
  },
  'ClusterService.UpdateCluster': {
    action: 'clusters.update',
    target: 'clusters/north',
    before: { ...settings, overSubscription },
    after: { ...settings, overSubscription, region: 'eu' },
  },
  'ClusterService.RevokeAgent': {
    action: 'clusters.revokeAgent',
    target: 'clusters/north',
    before: null,
    after: { certificates_revoked: expect.any(Number), tokens_voided: expect.any(Number) },
  },
  'ClusterService.RemoveCluster': {
    action: 'clusters.remove',
    target: 'clusters/doomed',
    before: { ...settings, overSubscription },
    after: { certificates_revoked: 0 },
  },
  'WorkloadService.ReadLogs': {
    action: 'workloads.logs',
    target: shop,
    before: null,
    after: { environment: 'default', into: ['shop in north'], follow: false, previous: false },
  },
  'WorkloadService.Exec': {
    action: 'workloads.exec',
    target: shop,
    before: null,
    after: { environment: 'default', into: ['shop in north'], command: ['id'], tty: false, stdin: false },
  },
  'WorkloadService.PortForward': {
    action: 'workloads.forward',
    target: shop,
    before: null,
    after: { environment: 'default', into: ['shop in north'], port: 80 },
  },
};

/** A key is called by its id, the part before the secret. */
const nameOfKey = (role: Role, key: string): string =>
  `${role === 'operator' ? '' : 'tenants/acme/'}apiKeys/${key.split('_')[1]}`;

describe('every mutation is audited in its own transaction', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world.harness.close());

  it.each(Object.entries(cases))('%s', async (name, { right, arrange }) => {
    const { db } = world.harness;
    const call = await arrange(world);
    const before = await writersOf(db);
    const [began] = await db.query<{ at: string }>('SELECT clock_timestamp()::text AS at');
    await call(world.as(right));
    const after = await writersOf(db);
    const written = [...after].filter(([writer]) => !before.has(writer));
    if (reads.test(name)) {
      expect(written).toEqual([]);
      return;
    }
    const [transaction, ...others] = written;
    expect(others).toEqual([]);
    expect(transaction?.[1]).toContain('audit');
    const entries = await db.query(
      `SELECT actor, action, target, before, after, at BETWEEN $2::timestamptz AND clock_timestamp() AS meanwhile
       FROM audit WHERE xmin::text = $1`,
      [transaction?.[0], began?.at],
    );
    expect(entries).toEqual([{ actor: nameOfKey(right, world.keys[right]), meanwhile: true, ...recorded[name] }]);
  });

  it('tells of an application that is changed what it was and what it became', async () => {
    const { db } = world.harness;
    const apply = (replicas: number) =>
      world.as('developer').applications.applyApplication({
        name: shop,
        source: { case: 'spec', value: specOf(replicas, 'shop') },
        requestId: `to-${replicas}`,
      });
    await apply(2);
    await apply(3);
    const entries = await db.query<Record<'request_id', string> & Record<'before' | 'after', Record<string, unknown>>>(
      `SELECT request_id, before, after FROM audit WHERE target = $1 ORDER BY id DESC LIMIT 2`,
      [shop],
    );
    const [second, first] = entries;
    expect(first).toMatchObject({ request_id: 'to-2', before: { revision: '1' }, after: { revision: '2' } });
    expect(second).toMatchObject({ request_id: 'to-3', after: { revision: '3', charge: chargeOf(3) } });
    const { charge: _, ...became } = first?.after ?? {};
    expect(second?.before).toEqual(became);
  });
});
