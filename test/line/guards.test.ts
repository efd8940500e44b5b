import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { line } from '#contract';
import { type Inventory, noFindings, type WorkStatus } from '#domain';
import { type AgentStore, postgresAgentStore } from '#store';
import { tlsOf } from '../../apps/agent/identity/enrolment.js';
import type { AgentIdentity } from '../../apps/agent/index.js';
import { configMap, eventually, type LineHarness, startLineHarness } from './harness.js';
import { enrolWith, RawAgent, readyStatus, reportOf } from './raw-agent.js';

let harness: LineHarness;
let store: AgentStore;
let alpha: AgentIdentity;
let beta: AgentIdentity;
beforeAll(async () => {
  harness = await startLineHarness();
  store = postgresAgentStore(await harness.database.connect('berth_hub'), 'hub');
  alpha = await enrolWith(harness, await harness.register('alpha'));
  beta = await enrolWith(harness, await harness.register('beta'));
});
afterAll(() => harness.close());

const aWork = (cluster: string) =>
  harness.putWork({ cluster, component: `c-${randomUUID().slice(0, 8)}`, manifests: () => [configMap('a', {})] });
const statusRow = async (workId: string) =>
  (
    await harness.database.query<{ epoch: string; sequence: string; phase: string; cluster_id: string }>(
      'SELECT epoch, sequence, phase, cluster_id FROM work_status WHERE work_id = $1',
      [workId],
    )
  )[0];

const status = (workId: string, phase: WorkStatus['phase'] = 'ready'): WorkStatus => ({
  workId,
  generation: 1n,
  phase,
  replicas: { desired: 1, updated: 1, ready: 1, unavailable: 0, restarts: 0 },
  reasons: [],
  objects: [],
  findings: noFindings,
});
const write = (cluster: string, epoch: bigint, sequence: bigint, works: WorkStatus[]) => ({
  ...{ cluster, epoch, sequence, works },
  tombstones: [],
  fullReportFrom: undefined,
});
const inventory: Inventory = {
  reflected: { upTo: 0n, except: [] },
  storageClasses: [],
  serverVersion: 'v1.36.0',
  nodes: 1,
  readyNodes: 1,
  allocatable: { mcpu: 1000, memoryBytes: 1, pods: 1 },
  foreignRequests: { mcpu: 0, memoryBytes: 0, pods: 0 },
  berthRequests: { mcpu: 0, memoryBytes: 0, pods: 0 },
  classes: [],
  measured: undefined,
  kinds: [],
  schemaDigest: '',
};

describe('an older epoch', () => {
  it('is refused at every write', async () => {
    const old = await RawAgent.connected(harness, alpha);
    const work = await aWork('alpha');
    const young = await RawAgent.connected(harness, alpha);
    expect(young.welcome.epoch).toBe(old.welcome.epoch + 1n);
    expect((await old.agent.hear('goodbye')).reason).toBe(line.GoodbyeReason.SUPERSEDED);
    const { epoch } = old.welcome;
    const reported = await store.storeStatus([write('alpha', epoch, 9n, [status(work.id)])]);
    expect(reported.superseded).toHaveLength(1);
    expect(await statusRow(work.id)).toBeUndefined();
    const beat = { cluster: 'alpha', epoch, appliedWorkSequence: 1n, inventory };
    const heard = await store.storeHeartbeats([beat], 60_000);
    expect(heard.superseded).toHaveLength(1);
    const [row] = await harness.database.query(
      `SELECT a.lease_expires_at, a.applied_work_sequence, c.nodes FROM cluster_agents a JOIN cluster_capacity c USING (cluster_id) WHERE cluster_id = 'alpha'`,
    );
    expect(row).toEqual({ lease_expires_at: null, applied_work_sequence: '0', nodes: 0 });
    await young.agent.say(reportOf(1n, [readyStatus(work.id)]));
    await young.agent.hear('statusAck');
    expect((await statusRow(work.id))?.epoch).toBe(young.welcome.epoch.toString());
    await Promise.all([old.agent.close(), young.agent.close()]);
  });
});

describe('status', () => {
  it('never moves backwards, whatever the order of reports', async () => {
    const { agent, welcome } = await RawAgent.connected(harness, alpha);
    const { id } = await aWork('alpha');
    const put = (sequence: bigint, phase: WorkStatus['phase']) =>
      store.storeStatus([write('alpha', welcome.epoch, sequence, [status(id, phase)])]);
    await put(5n, 'ready');
    await put(4n, 'failed');
    await put(5n, 'degraded');
    expect(await statusRow(id)).toMatchObject({ phase: 'ready', sequence: '5' });
    await put(6n, 'degraded');
    expect(await statusRow(id)).toMatchObject({ phase: 'degraded', sequence: '6' });
    await agent.close();
  });

  it("of another cluster's work is not stored, by the hub and by the statement", async () => {
    const { agent, welcome } = await RawAgent.connected(harness, beta);
    const [own, others] = await Promise.all([aWork('beta'), aWork('alpha')]);
    await agent.say(reportOf(1n, [readyStatus(others.id), readyStatus(own.id)]));
    expect((await agent.hear('statusAck')).sequence).toBe(1n);
    expect(await statusRow(others.id)).toBeUndefined();
    expect(await statusRow(own.id)).toMatchObject({ phase: 'ready', cluster_id: 'beta' });
    const outcome = await store.storeStatus([write('beta', welcome.epoch, 2n, [status(others.id)])]);
    expect(outcome.strangers).toEqual([{ cluster: 'beta', workId: others.id }]);
    expect(await statusRow(others.id)).toBeUndefined();
    await agent.close();
  });

  it('is acknowledged only after its commit', async () => {
    const { agent } = await RawAgent.connected(harness, alpha);
    const { id } = await aWork('alpha');
    const holder = new pg.Client({ connectionString: harness.database.superuserUrl });
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query(`SELECT FROM works WHERE id = $1 FOR UPDATE`, [id]);
    await agent.say(reportOf(1n, [readyStatus(id)]));
    // the transaction is seen waiting for our lock: everything but its commit has happened
    await eventually(
      () =>
        harness.database.query(
          `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%work_status%'`,
        ),
      (rows) => rows.length > 0,
    );
    await expect(agent.hear('statusAck', 50)).rejects.toThrow('heard no statusAck');
    await holder.query('ROLLBACK');
    await holder.end();
    expect((await agent.hear('statusAck')).sequence).toBe(1n);
    expect(await statusRow(id)).toMatchObject({ phase: 'ready' });
    await agent.close();
  });

  it('of works that a full report does not name is forgotten, and that of other clusters is not', async () => {
    const first = await RawAgent.connected(harness, alpha);
    const other = await RawAgent.connected(harness, beta);
    const [kept, gone, foreign] = await Promise.all([aWork('alpha'), aWork('alpha'), aWork('beta')]);
    await first.agent.say(reportOf(1n, [readyStatus(kept.id), readyStatus(gone.id)], line.Bracket.WHOLE));
    await other.agent.say(reportOf(1n, [readyStatus(foreign.id)]));
    await Promise.all([first.agent.hear('statusAck'), other.agent.hear('statusAck')]);
    const second = await RawAgent.connected(harness, alpha);
    await second.agent.say(reportOf(1n, [], line.Bracket.BEGIN));
    await second.agent.hear('statusAck');
    expect(await statusRow(gone.id)).toBeDefined();
    await second.agent.say(reportOf(2n, [readyStatus(kept.id)], line.Bracket.END));
    await second.agent.hear('statusAck');
    expect(await statusRow(gone.id)).toBeUndefined();
    expect(await statusRow(kept.id)).toBeDefined();
    expect(await statusRow(foreign.id)).toBeDefined();
    await Promise.all([first, other, second].map(({ agent }) => agent.close()));
  });

  it('that no store could hold ends its own stream and no other', async () => {
    const sick = await RawAgent.connected(harness, alpha);
    const well = await RawAgent.connected(harness, beta);
    const { id } = await aWork('beta');
    await sick.agent.say(reportOf(1n, [{ ...readyStatus('not-a-uuid') }]));
    await well.agent.say(
      reportOf(1n, [
        { ...readyStatus(id), reasons: [{ reason: 'Odd\u0000', message: 'nul \u0000 inside', count: 1 }] },
      ]),
    );
    expect((await sick.agent.end()).code).toBe('INVALID_ARGUMENT');
    expect((await well.agent.hear('statusAck')).sequence).toBe(1n);
    await Promise.all([sick.agent.close(), well.agent.close()]);
  });
});

describe('works', () => {
  it('are sent to their own cluster alone', async () => {
    const { agent, welcome } = await RawAgent.connected(harness, beta);
    await agent.close();
    const at = { incarnation: welcome.incarnation, sequence: welcome.headSequence };
    const again = await RawAgent.connected(harness, beta, { resumeFrom: at });
    const others = await aWork('alpha');
    const own = await aWork('beta');
    const batch = await again.agent.hear('workBatch');
    const ids = batch.items.map(({ item }) => item.value?.id);
    expect(ids).toEqual([own.id]);
    expect(ids).not.toContain(others.id);
    expect(batch.upTo?.sequence).toBe(own.sequence);
    await again.agent.close();
  });

  it('are not sent to an agent that is ahead of the store, which gets no epoch either', async () => {
    const { agent, welcome } = await RawAgent.connected(harness, beta);
    await agent.close();
    const ahead = { incarnation: welcome.incarnation, sequence: welcome.headSequence + 1n };
    const diverged = RawAgent.connected(harness, beta, { resumeFrom: ahead });
    await expect(diverged).rejects.toThrow('heard no welcome');
    const [row] = await harness.database.query<{ epoch: string }>(
      `SELECT epoch FROM cluster_agents WHERE cluster_id = 'beta'`,
    );
    expect(row?.epoch).toBe(welcome.epoch.toString());
    const restored = await RawAgent.connected(harness, beta, { resumeFrom: { ...ahead, incarnation: 'another' } });
    expect(restored.welcome.fromBeginning).toBe(true);
    await restored.agent.close();
  });

  it('come in order of sequence and in bounded batches, however many there are', async () => {
    const { agent } = await RawAgent.connected(harness, await enrolWith(harness, await harness.register('many')));
    const big = 'x'.repeat(100_000);
    const put: bigint[] = [];
    for (let n = 0; n < 25; n++)
      put.push(
        (await harness.putWork({ cluster: 'many', component: `c${n}`, manifests: () => [configMap(`c${n}`, { big })] }))
          .sequence,
      );
    const heard: bigint[] = [];
    while (heard.length < put.length) {
      const { items } = await agent.hear('workBatch');
      expect(items.length).toBeLessThanOrEqual(12);
      for (const { item } of items) if (item.value !== undefined) heard.push(item.value.sequence);
    }
    expect(heard).toEqual(put);
    await agent.close();
  });
});

describe('an agent that connects and says nothing', () => {
  it('holds up no shutdown', async () => {
    const silent = new RawAgent(harness, tlsOf(alpha));
    const { agent } = await RawAgent.connected(harness, beta);
    await harness.restartHub();
    expect((await agent.hear('goodbye')).reason).toBe(line.GoodbyeReason.SHUTDOWN);
    await Promise.all([silent.close(), agent.close()]);
  });
});

describe('a report that counts for nothing any more', () => {
  it('is announced to those who watch its application, once', async () => {
    await harness.register('silent');
    const { id } = await aWork('silent');
    await harness.database.query(`UPDATE works SET application_id = 'quiet' WHERE id = $1`, [id]);
    const told = async () =>
      (await harness.database.query(`SELECT FROM feed WHERE kind = 'application' AND resource = 'shop/quiet'`)).length;
    const unreachableFor = (seconds: number) =>
      harness.database.query(
        `WITH agent AS (UPDATE cluster_agents SET lease_expires_at = clock_timestamp() - $1 * interval '1 second' WHERE cluster_id = 'silent')
         UPDATE clusters SET phase = 'unreachable' WHERE id = 'silent'`,
        [seconds],
      );
    const silent = (already: string[]) => store.announceSilent(already);
    await unreachableFor(20);
    expect(await silent([])).not.toContain('silent');
    await unreachableFor(31);
    await eventually(told, (found) => found === 1);
    expect(await silent(['silent'])).toContain('silent');
    expect(await harness.database.query(`SELECT FROM outbox WHERE resource = 'shop/quiet'`)).toEqual([]);
  });
});

describe('a lease', () => {
  it('that runs out makes the cluster unreachable, and its return is announced, too', async () => {
    const identity = await enrolWith(harness, await harness.register('leased'));
    const { agent } = await RawAgent.connected(harness, identity);
    const phase = async () =>
      (await harness.database.query<{ phase: string }>(`SELECT phase FROM clusters WHERE id = 'leased'`))[0]?.phase;
    expect(await phase()).toBe('pending');
    const beat = (inventory?: { nodes: number }) =>
      agent.say({
        case: 'heartbeat',
        value: create(line.HeartbeatSchema, inventory === undefined ? {} : { inventory }),
      });
    await beat();
    const leased = () =>
      harness.database.query(`SELECT FROM cluster_agents WHERE cluster_id = 'leased' AND lease_expires_at IS NOT NULL`);
    await eventually(leased, (rows) => rows.length === 1);
    expect(await phase(), 'an agent that cannot tell what its cluster has').toBe('pending');
    await beat({ nodes: 1 });
    await eventually(phase, (found) => found === 'ready');
    const work = await aWork('leased');
    await eventually(phase, (found) => found === 'unreachable');
    const told = () =>
      harness.database.query<{ kind: string; resource: string }>(
        `SELECT kind, resource FROM feed WHERE resource IN ('leased', 'shop/store') AND kind IN ('cluster', 'application')`,
      );
    expect(work.sequence).toBe(1n);
    await eventually(
      told,
      (rows) =>
        rows.filter((row) => row.kind === 'cluster').length >= 2 && rows.some((row) => row.kind === 'application'),
    );
    await beat();
    await eventually(phase, (found) => found === 'ready');
    await agent.close();
  });
});
