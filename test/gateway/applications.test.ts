import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wire } from '#contract';
import { type Clients, type GatewayHarness, specOf, startGatewayHarness } from './harness.js';

const project = 'tenants/default/projects/default';
const nameOf = (application: string) => `${project}/applications/${application}`;
const spec = (...of: Parameters<typeof specOf>) => ({ case: 'spec', value: specOf(...of) }) as const;

describe('applications through the gateway', () => {
  let harness: GatewayHarness;
  let owner: Clients;
  beforeAll(async () => {
    harness = await startGatewayHarness();
    owner = harness.as(harness.ownerKey);
  });
  afterAll(() => harness.close());

  const rowsOf = async (table: string) =>
    (await harness.db.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`))[0]?.count;
  const everything = async () =>
    Object.fromEntries(
      await Promise.all(
        [
          'applications',
          'revisions',
          'releases',
          'object_claims',
          'audit',
          'idempotency',
          'operations',
          'clusters',
        ].map(async (table) => [table, await rowsOf(table)] as const),
      ),
    );

  it('takes an application in, and answers it as it then stands', async () => {
    const name = nameOf('first');
    const applied = await owner.applications.applyApplication({ name, source: spec(2, 'first') });
    expect(applied.changed).toBe(true);
    expect(applied.release?.name).toBe(`${project}/environments/default/releases/v1`);
    const got = await owner.applications.getApplication({ name });
    expect(got).toEqual(applied.application);
    expect(got.spec?.components[0]).toMatchObject({ name: 'first', replicas: 2, kind: wire.ComponentKind.SERVICE });
    expect(got.environments[0]).toMatchObject({ phase: wire.Phase.WAITING });
    const [row] = await harness.db.query<Record<string, string>>(
      `SELECT used_mcpu, used_memory_bytes, used_pods FROM projects`,
    );
    expect(row).toEqual({ used_mcpu: '200', used_memory_bytes: `${128 * 2 ** 20}`, used_pods: '2' });
  });

  it('changes nothing when the content is already so', async () => {
    const before = await everything();
    const applied = await owner.applications.applyApplication({ name: nameOf('first'), source: spec(2, 'first') });
    expect(applied.changed).toBe(false);
    expect(await everything()).toEqual(before);
  });
});
