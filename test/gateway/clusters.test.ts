import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wire } from '#contract';
import { type Clients, fingerprint, type GatewayHarness, refusalOf, specOf, startGatewayHarness } from './harness.js';
import { placeApplication } from './placed.js';
import { rowsUnchangedBy } from './rows.js';

describe('the fleet through the gateway', () => {
  let harness: GatewayHarness;
  let operator: Clients;
  beforeAll(async () => {
    harness = await startGatewayHarness();
    operator = harness.as(harness.operatorKey);
  });
  afterAll(() => harness.close());

  it('registers a cluster with a one-use token that names the hub’s authority', async () => {
    const { cluster, enrolmentToken } = await operator.clusters.registerCluster({
      clusterId: 'north',
      cluster: { region: 'eu-north', labels: { tier: 'gold' }, taints: [{ key: 'gpu', effect: 'NoSchedule' }] },
    });
    expect(cluster).toMatchObject({ name: 'clusters/north', region: 'eu-north', phase: wire.ClusterPhase.PENDING });
    const parts = (enrolmentToken?.token ?? '').split('_');
    expect(parts[0]).toBe('enrol');
    expect(parts.at(-1)).toBe(fingerprint);
    expect(enrolmentToken?.hubAddress).toBe('hub.example:7443');
    const secret = (enrolmentToken?.token ?? '').slice(`enrol_${parts[1]}_`.length, -fingerprint.length - 1);
    const [row] = await harness.db.query<{ secret_hash: Buffer; hour: boolean }>(
      `SELECT secret_hash, expires_at BETWEEN now() + interval '59 minutes' AND now() + interval '61 minutes' AS hour
       FROM enrolment_tokens WHERE id = $1`,
      [parts[1]],
    );
    expect(row?.secret_hash).toEqual(createHash('sha256').update(secret).digest());
    expect(row?.hour).toBe(true);
  });

  it('registers once for a request id, shows the token once, and refuses the id of a cluster that is there', async () => {
    const request = { clusterId: 'once', requestId: 'c-1' };
    const first = await operator.clusters.registerCluster(request);
    await rowsUnchangedBy(harness.db, async () => {
      const again = await operator.clusters.registerCluster(request);
      expect(again.cluster).toEqual(first.cluster);
      expect(again.enrolmentToken).toMatchObject({ token: '', hubAddress: first.enrolmentToken?.hubAddress });
      const refusal = await refusalOf(operator.clusters.registerCluster({ clusterId: 'once' }));
      expect(refusal.code).toBe('ALREADY_EXISTS');
    });
  });

  it('voids earlier tokens when it makes another', async () => {
    await operator.clusters.createEnrolmentToken({ name: 'clusters/once' });
    const rows = await harness.db.query<{ open: boolean }>(
      `SELECT voided_at IS NULL AS open FROM enrolment_tokens WHERE cluster_id = 'once' ORDER BY created_at`,
    );
    expect(rows.map(({ open }) => open)).toEqual([false, true]);
  });

  it('changes what the mask names and nothing else', async () => {
    const before = await operator.clusters.getCluster({ name: 'clusters/north' });
    const after = await operator.clusters.updateCluster({
      cluster: { name: before.name, etag: before.etag, cordoned: true, region: 'ignored' },
      updateMask: { paths: ['cordoned'] },
    });
    expect(after).toMatchObject({ cordoned: true, region: 'eu-north', labels: { tier: 'gold' } });
    await rowsUnchangedBy(harness.db, async () => {
      const stale = operator.clusters.updateCluster({
        cluster: { name: before.name, etag: before.etag },
        updateMask: { paths: ['region'] },
      });
      expect((await refusalOf(stale)).code).toBe('ABORTED');
      const unknown = operator.clusters.updateCluster({
        cluster: { name: before.name },
        updateMask: { paths: ['phase'] },
      });
      const refusal = await refusalOf(unknown);
      expect(refusal.code).toBe('INVALID_ARGUMENT');
      expect(refusal.message).toContain('found "phase"; allowed are region, zone, provider, labels, taints');
    });
  });

  it('keeps what a cluster costs and whose law its data is under, and forgets what a mask names without a value', async () => {
    const costs = {
      ...{
        price: { coreHourMicros: 31_000n, gibHourMicros: 4_000n },
        carbonIntensity: 380,
        jurisdictions: ['eu', 'de'],
      },
    };
    const name = 'clusters/once';
    const paths = ['price', 'carbon_intensity', 'jurisdictions'];
    const set = await operator.clusters.updateCluster({ cluster: { name, ...costs }, updateMask: { paths } });
    expect(set).toMatchObject({ ...costs, jurisdictions: ['de', 'eu'] });
    expect(await operator.clusters.getCluster({ name })).toMatchObject({ carbonIntensity: 380 });
    const cleared = await operator.clusters.updateCluster({ cluster: { name }, updateMask: { paths: ['price'] } });
    expect([cleared.price, cleared.carbonIntensity]).toEqual([undefined, 380]);
    const wrong = { name, price: { coreHourMicros: -1n, gibHourMicros: 0n } };
    const refusal = await refusalOf(operator.clusters.updateCluster({ cluster: wrong, updateMask: { paths } }));
    expect(refusal.message).toContain('cluster.price.core_hour_micros');
  });

  it('keeps which nodes a cluster fills first: the emptiest, until an operator says otherwise', async () => {
    const { LEAST_ALLOCATED, MOST_ALLOCATED } = wire.NodeScoring;
    const name = 'clusters/once';
    const paths = ['node_scoring'];
    expect((await operator.clusters.getCluster({ name })).nodeScoring).toBe(LEAST_ALLOCATED);
    const cluster = { name, nodeScoring: MOST_ALLOCATED };
    expect((await operator.clusters.updateCluster({ cluster, updateMask: { paths } })).nodeScoring).toBe(
      MOST_ALLOCATED,
    );
    // As a newer client would: a value that this version does not know.
    const unknown = create(wire.ClusterSchema, { name });
    Object.assign(unknown, { nodeScoring: 7 });
    const wrong = operator.clusters.updateCluster({ cluster: unknown, updateMask: { paths } });
    expect((await refusalOf(wrong)).message).toContain('cluster.node_scoring: found 7; allowed are');
    const cleared = await operator.clusters.updateCluster({ cluster: { name }, updateMask: { paths } });
    expect(cleared.nodeScoring).toBe(LEAST_ALLOCATED);
  });

  it('audits what was before and after', async () => {
    const [entry] = await harness.db.query<Record<string, unknown>>(
      `SELECT before->'cordoned' AS before, after->'cordoned' AS after FROM audit WHERE action = 'clusters.update'`,
    );
    expect(entry).toEqual({ before: false, after: true });
  });

  it('lists clusters in pages', async () => {
    const first = await operator.clusters.listClusters({ pageSize: 1 });
    const rest = await operator.clusters.listClusters({ pageSize: 1, pageToken: first.nextPageToken });
    const names = [...first.clusters, ...rest.clusters].map(({ name }) => name);
    expect(names).toEqual(['clusters/north', 'clusters/once']);
    expect(rest.nextPageToken).toBe('');
  });

  it('shows how full a cluster is, measured and requested', async () => {
    await harness.db.query(`UPDATE cluster_capacity SET allocatable_mcpu = 8000, allocatable_memory_bytes = 1000,
      allocatable_pods = 10, foreign_mcpu = 1000, reserved_mcpu = 3000, measured_mcpu = 2000, measured_memory_bytes = 500,
      reported_at = clock_timestamp() WHERE cluster_id = 'north'`);
    const { utilization } = await operator.clusters.getCluster({ name: 'clusters/north' });
    expect(utilization).toMatchObject({
      requestedCpuPermille: 500,
      measuredCpuPermille: 250,
      measuredMemoryPermille: 500,
    });
    expect(utilization?.overFull).toBe(false);
  });

  it('watches the fleet', async () => {
    const leaving = new AbortController();
    const settings = { signal: leaving.signal, deadlineMs: 20_000 };
    const seen: string[] = [];
    for await (const { event } of operator.clusters.watchClusters({}, settings)) {
      if (event.case === 'synced') await operator.clusters.registerCluster({ clusterId: 'watched' });
      seen.push(event.case === 'changed' ? event.value.name : (event.case ?? ''));
      if (seen.at(-1) === 'clusters/watched') break;
    }
    leaving.abort();
    // What was announced shortly before may be told again.
    expect(seen.slice(0, 3)).toEqual(['clusters/north', 'clusters/once', 'synced']);
    expect(seen.at(-1)).toBe('clusters/watched');
  });

  it('removes a cluster that holds nothing and revokes its certificates, and keeps one that holds work', async () => {
    await harness.db.query(
      `INSERT INTO certificates (serial, first_serial, cluster_id, expires_at) VALUES ('s1', 's1', 'once', now() + interval '1 day')`,
    );
    await harness.db.query(
      `INSERT INTO tombstones (id, cluster_id, tenant_id, work_id, sequence, generation, api_version, kind, namespace, name, uid, confirmed_at, outcome)
       VALUES (gen_random_uuid(), 'once', 'default', gen_random_uuid(), 1, 1, 'v1', 'Service', 'n', 's', 'u', now(), 'deleted')`,
    );
    const operation = await operator.clusters.removeCluster({ name: 'clusters/once' });
    expect(operation).toMatchObject({ kind: 'clusters.remove', done: true });
    expect(await operator.operations.getOperation({ name: operation.name })).toEqual(operation);
    const [certificate] = await harness.db.query<{ revoked: boolean }>(
      `SELECT revoked_at IS NOT NULL AS revoked FROM certificates WHERE serial = 's1'`,
    );
    expect(certificate?.revoked).toBe(true);
    expect((await refusalOf(operator.clusters.getCluster({ name: 'clusters/once' }))).code).toBe('NOT_FOUND');

    const name = 'tenants/default/projects/default/applications/web';
    await harness
      .as(harness.ownerKey)
      .applications.applyApplication({ name, source: { case: 'spec', value: specOf() } });
    await placeApplication(harness.db, { application: 'web', component: 'web', cluster: 'watched', replicas: 1 });
    await rowsUnchangedBy(harness.db, async () => {
      const refusal = await refusalOf(operator.clusters.removeCluster({ name: 'clusters/watched' }));
      expect(refusal.code).toBe('FAILED_PRECONDITION');
      expect(refusal.details.errorInfo?.reason).toBe('CLUSTER_HOLDS_WORK');
    });
  });
});
