import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wire } from '#contract';
import { gatewayDefaults, startGateway } from '../../apps/gateway/index.js';
import { type Clients, type GatewayHarness, refusalOf, startGatewayHarness } from './harness.js';
import { rowsUnchangedBy } from './rows.js';

describe('tenants, projects, environments and keys', () => {
  let harness: GatewayHarness;
  let operator: Clients;
  beforeAll(async () => {
    harness = await startGatewayHarness();
    operator = harness.as(harness.operatorKey);
  });
  afterAll(() => harness.close());

  it('makes a tenant with a project, an environment and an owner’s key that works', async () => {
    const made = await operator.tenancy.createTenant({ tenantId: 'acme', displayName: 'Acme', requestId: 't-1' });
    const owner = harness.as(made.ownerKeySecret);
    const { projects } = await owner.tenancy.listProjects({ parent: 'tenants/acme' });
    expect(projects.map(({ name }) => name)).toEqual(['tenants/acme/projects/default']);
    const { environments } = await owner.tenancy.listEnvironments({ parent: 'tenants/acme/projects/default' });
    expect(environments[0]?.namespace).toMatch(/^berth-[a-z][a-z0-9]{7}$/);
    await rowsUnchangedBy(harness.db, async () => {
      const request = { tenantId: 'acme', displayName: 'Acme', requestId: 't-1' };
      expect(await operator.tenancy.createTenant(request)).toEqual({ ...made, ownerKeySecret: '' });
      expect((await refusalOf(operator.tenancy.createTenant({ tenantId: 'acme' }))).code).toBe('ALREADY_EXISTS');
      expect((await refusalOf(operator.tenancy.createTenant({ tenantId: 'No Label' }))).code).toBe('INVALID_ARGUMENT');
    });
  });

  it('keeps only a hash of a key', async () => {
    const made = await operator.tenancy.createApiKey({ role: wire.Role.OPERATOR });
    const secret = made.secret.split('_').slice(2).join('_');
    const [row] = await harness.db.query<{ text: string }>(
      `SELECT coalesce(string_agg(k::text, ' '), '') || coalesce((SELECT string_agg(a::text, ' ') FROM audit a), '')
         || coalesce((SELECT string_agg(encode(i.response, 'escape'), ' ') FROM idempotency i), '') AS text FROM api_keys k`,
    );
    expect(row?.text).not.toContain(secret);
    expect(row?.text).not.toContain(harness.ownerKey.split('_').slice(2).join('_'));
  });

  it('refuses a key from the moment when it is revoked, and one that has expired', async () => {
    const owner = harness.as(harness.ownerKey);
    const made = await owner.tenancy.createApiKey({ parent: 'tenants/default', role: wire.Role.VIEWER });
    const viewer = harness.as(made.secret);
    await viewer.tenancy.getTenant({ name: 'tenants/default' });
    const name = made.apiKey?.name ?? '';
    expect((await owner.tenancy.revokeApiKey({ name })).revokeTime).toBeDefined();
    const refusal = await refusalOf(viewer.tenancy.getTenant({ name: 'tenants/default' }));
    expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED', details: { errorInfo: { reason: 'KEY_REVOKED' } } });
    await rowsUnchangedBy(harness.db, async () => {
      await owner.tenancy.revokeApiKey({ name });
    });
    const expiring = await owner.tenancy.createApiKey({
      parent: 'tenants/default',
      role: wire.Role.VIEWER,
      expireTime: timestampFromMs(Date.now() + 60_000),
    });
    await harness.db.query(`UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE expires_at IS NOT NULL`);
    const expired = await refusalOf(harness.as(expiring.secret).tenancy.getTenant({ name: 'tenants/default' }));
    expect(expired.details.errorInfo?.reason).toBe('KEY_EXPIRED');
  });

  it('hears of a key that another gateway has revoked', async () => {
    const owner = harness.as(harness.ownerKey);
    const made = await owner.tenancy.createApiKey({ parent: 'tenants/default', role: wire.Role.VIEWER });
    const viewer = harness.as(made.secret);
    await viewer.tenancy.getTenant({ name: 'tenants/default' });
    const id = made.apiKey?.name.split('/').at(-1);
    await harness.db.query(`UPDATE api_keys SET revoked_at = now() WHERE id = $1`, [id]);
    await harness.db.query(`INSERT INTO outbox (tenant_id, kind, resource) VALUES ('default', 'key', $1)`, [id]);
    // Sooner than what is remembered of it would run out.
    await expect
      .poll(
        () =>
          viewer.tenancy.getTenant({ name: 'tenants/default' }).then(
            () => 'OK',
            (error) => error.code,
          ),
        {
          timeout: 4_500,
        },
      )
      .toBe('UNAUTHENTICATED');
  });

  it('says what is wrong with a credential, and what is allowed', async () => {
    const missing = await refusalOf(harness.as(undefined).tenancy.listTenants({}));
    expect(missing.details.errorInfo?.reason).toBe('KEY_MISSING');
    const malformed = await refusalOf(harness.as('secret').tenancy.listTenants({}));
    expect(malformed.details.errorInfo?.reason).toBe('KEY_MALFORMED');
    const wrong = await refusalOf(harness.as(`${harness.ownerKey.slice(0, -3)}AAA`).tenancy.listTenants({}));
    expect(wrong.details.errorInfo?.reason).toBe('KEY_UNKNOWN');
  });

  it('shows a quota as it was set, and refuses amounts that are none', async () => {
    const name = 'tenants/acme/projects/default';
    const set = await operator.tenancy.setQuota({ name, quota: { cpu: '2500m', memory: '4Gi', pods: 7n } });
    expect(set.quota).toMatchObject({ cpu: '2500m', memory: '4Gi', pods: 7n });
    expect((await operator.tenancy.getProject({ name })).quota).toEqual(set.quota);
    await rowsUnchangedBy(harness.db, async () => {
      const refusal = await refusalOf(operator.tenancy.setQuota({ name, quota: { cpu: 'many', pods: -1n } }));
      expect(refusal.details.badRequest?.fieldViolations.map(({ field }) => field)).toEqual([
        'quota.pods',
        'quota.cpu',
      ]);
    });
  });

  it('weighs a tenant as operators say, within bounds, and tells the tenant', async () => {
    const name = 'tenants/acme';
    expect((await operator.tenancy.getTenant({ name })).weight).toBe(1);
    expect(await operator.tenancy.setTenantWeight({ name, weight: 3 })).toMatchObject({ name, weight: 3 });
    expect((await operator.tenancy.getTenant({ name })).weight).toBe(3);
    await rowsUnchangedBy(harness.db, async () => {
      for (const weight of [0, -1, 1001]) {
        const refusal = await refusalOf(operator.tenancy.setTenantWeight({ name, weight }));
        expect(refusal.details.badRequest?.fieldViolations).toMatchObject([
          { field: 'weight', description: `found ${weight}; must be 1 to 1000` },
        ]);
      }
      const unknown = await refusalOf(operator.tenancy.setTenantWeight({ name: 'tenants/nobody', weight: 2 }));
      expect(unknown.code).toBe('NOT_FOUND');
    });
  });

  it('makes nothing at a second start', async () => {
    const local = { host: '127.0.0.1', port: 0 };
    await rowsUnchangedBy(harness.db, async () => {
      const second = await startGateway(
        { ...gatewayDefaults, databaseUrl: harness.db.urlFor('berth_gateway'), grpc: local, http: undefined },
        { enrolment: { hubAddress: 'hub:1', authorityFingerprint: () => undefined } },
      );
      expect(second.firstKeys).toBeUndefined();
      await second.close();
    });
  });

  it('says in one line that its port is in use', async () => {
    const [host = '', port = ''] = harness.gateway.grpcAddress.split(':');
    const starting = startGateway(
      {
        ...gatewayDefaults,
        databaseUrl: harness.db.urlFor('berth_gateway'),
        grpc: { host, port: Number(port) },
        http: undefined,
      },
      { enrolment: { hubAddress: 'hub:1', authorityFingerprint: () => undefined } },
    );
    await expect(starting).rejects.toThrow(/^gateway: port 127\.0\.0\.1:\d+ is in use \(BERTH_GATEWAY_ADDRESS\)/);
  });
});
