import { inspect } from 'node:util';
import type { DescMethod } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wire } from '#contract';
import { grants, type Role } from '#domain';
import { permissionOf } from '../../apps/gateway/auth/permissions.js';
import { refusalOf } from '../gateway/harness.js';
import { rowsUnchangedBy } from '../gateway/rows.js';
import { cases } from './cases.js';
import { createWorld, project, type World } from './world.js';

const services = [
  wire.TenancyService,
  wire.ApplicationService,
  wire.ClusterService,
  wire.OperationService,
  wire.WorkloadService,
];
const methods = services.flatMap((service) =>
  service.methods.map((method): [string, DescMethod] => [`${service.name}.${method.name}`, method]),
);
const roles: readonly Role[] = ['viewer', 'developer', 'owner', 'operator'];
const garbageKey = `berth_nobody_${'x'.repeat(43)}`;

describe('every method turns every wrong caller away', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world.harness.close());

  it('has a case for every method of the contract, and none besides', () => {
    expect(Object.keys(cases).sort()).toEqual(methods.map(([name]) => name).sort());
  });

  describe.each(methods)('%s', (name, method) => {
    const methodCase = cases[name];
    if (methodCase === undefined) return;

    it('refuses no credential, a garbage key, a revoked key, another tenant and every role that lacks the permission', async () => {
      const call = await methodCase.arrange(world);
      const lacking = roles.filter((role) => !grants[role].includes(permissionOf(method)));
      await rowsUnchangedBy(world.harness.db, async () => {
        expect(await refusalOf(call(world.harness.as(undefined)))).toMatchObject({ code: 'UNAUTHENTICATED' });
        expect(await refusalOf(call(world.harness.as(garbageKey)))).toMatchObject({ code: 'UNAUTHENTICATED' });
        expect(await refusalOf(call(world.harness.as(world.revokedKey)))).toMatchObject({ code: 'UNAUTHENTICATED' });
        for (const role of lacking)
          expect(await refusalOf(call(world.as(role))), role).toMatchObject({
            code: 'PERMISSION_DENIED',
            message: expect.stringMatching(new RegExp(`role is ${role}, lacks ".*"; .*${methodCase.right}.* may$`)),
          });
        const asRival = call(world.harness.as(world.rivalOwner));
        if (methodCase.answersOthers === true) expect(inspect(await asRival, { depth: 9 })).not.toContain('acme');
        else expect(await refusalOf(asRival)).toMatchObject({ code: 'PERMISSION_DENIED' });
      });
      const answer = await call(world.as(methodCase.right));
      expect(answer).toBeDefined();
    });
  });

  it('answers another tenant the same whether or not the thing is there', async () => {
    const rival = world.harness.as(world.rivalOwner);
    const there = await refusalOf(rival.applications.getApplication({ name: `${project}/applications/shop` }));
    const absent = await refusalOf(rival.applications.getApplication({ name: `${project}/applications/shap` }));
    expect(there.message.replace('shop', 'shap')).toBe(absent.message);
    expect(absent.code).toBe(there.code);
  });

  it('keeps a key that is bound to a project out of every other', async () => {
    const bound = world.harness.as(world.boundElsewhere);
    const refused = [
      () => bound.applications.getApplication({ name: `${project}/applications/shop` }),
      () => bound.applications.listApplications({ parent: project }),
      () => bound.tenancy.getProject({ name: project }),
      () => bound.tenancy.createProject({ parent: 'tenants/acme', projectId: 'more' }),
      () => bound.tenancy.createApiKey({ parent: 'tenants/acme', role: wire.Role.OWNER, project }),
    ];
    for (const call of refused) expect((await refusalOf(call())).code).toBe('PERMISSION_DENIED');
    const wider = bound.tenancy.createApiKey({ parent: 'tenants/acme', role: wire.Role.OWNER });
    expect((await refusalOf(wider)).code).toBe('INVALID_ARGUMENT');
    const { projects } = await bound.tenancy.listProjects({ parent: 'tenants/acme' });
    expect(projects.map(({ name }) => name)).toEqual(['tenants/acme/projects/other']);
    const { operations } = await bound.operations.listOperations({ parent: 'tenants/acme' });
    expect(operations).toEqual([]);
  });

  it('lets no owner make or see operators’ keys', async () => {
    const owner = world.as('owner');
    expect((await refusalOf(owner.tenancy.createApiKey({ role: wire.Role.OPERATOR }))).code).toBe('PERMISSION_DENIED');
    expect((await refusalOf(owner.tenancy.listApiKeys({}))).code).toBe('PERMISSION_DENIED');
    const raised = owner.tenancy.createApiKey({ parent: 'tenants/acme', role: wire.Role.OPERATOR });
    expect((await refusalOf(raised)).code).toBe('INVALID_ARGUMENT');
    expect((await refusalOf(owner.operations.listOperations({}))).code).toBe('PERMISSION_DENIED');
  });
});
