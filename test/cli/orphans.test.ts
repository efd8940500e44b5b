import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GatewayHarness, startGatewayHarness } from '../gateway/harness.js';
import { cliOn, rowsOf } from './runner.js';

describe('berth cluster orphans', () => {
  let harness: GatewayHarness;
  let operator: ReturnType<typeof cliOn>;
  let owner: ReturnType<typeof cliOn>;
  beforeAll(async () => {
    harness = await startGatewayHarness();
    operator = cliOn(harness.gateway.grpcAddress, harness.operatorKey);
    owner = cliOn(harness.gateway.grpcAddress, harness.ownerKey);
    await operator(['cluster', 'register', 'eu-1']);
  });
  afterAll(() => harness?.close());

  it('says that there are none', async () => {
    expect(await operator(['cluster', 'orphans', 'eu-1'])).toMatchObject({ code: 0, out: 'no orphans\n' });
  });

  it('lists objects of no work over many pages, and says that they are left alone', async () => {
    await harness.db.query(`INSERT INTO cluster_orphans (cluster_id, uid, api_version, kind, namespace, name, work_id, epoch, sequence)
      SELECT 'eu-1', lpad(n::text, 4, '0'), 'v1', 'ConfigMap', 'n', 'stray-' || n, gen_random_uuid(), 1, 1 FROM generate_series(1, 120) n`);
    const { code, out } = await operator(['cluster', 'orphans', 'eu-1']);
    expect(code).toBe(0);
    expect(rowsOf(out)[1]).toMatch(/^ConfigMap \| n \| stray-1 \| 0001 \| /);
    expect(out.split('\n').filter((line) => line.startsWith('ConfigMap'))).toHaveLength(120);
    expect(out).toContain('They are left alone');
  });

  it('is refused to who is no operator, and for a cluster that is not there', async () => {
    expect((await owner(['cluster', 'orphans', 'eu-1'])).err).toContain('PERMISSION_DENIED');
    expect((await operator(['cluster', 'orphans', 'nowhere'])).err).toContain('NOT_FOUND');
  });
});
