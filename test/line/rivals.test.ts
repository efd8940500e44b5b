import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { line } from '#contract';
import { systemClock } from '#domain';
import { connectCluster, kubeMember, systemTiming } from '#kube';
import { silentLogger } from '#platform';
import { newKey } from '../../apps/agent/identity/identity.js';
import { type IdentityKeeper, memoryKeeper, startAgent } from '../../apps/agent/index.js';
import { Authority } from '../../apps/hub/authority/authority.js';
import { PreviousHub } from '../skew/previous-hub.js';
import { eventually, type LineHarness, startLineHarness } from './harness.js';
import { enrolWith, RawAgent } from './raw-agent.js';

let harness: LineHarness;
beforeAll(async () => {
  harness = await startLineHarness();
});
afterAll(() => harness.close());

type Sleep = typeof systemTiming.sleep;

/** An agent that runs where it is told, beside a member of its own. */
async function anAgent(
  member: string,
  options: { hub: string; identity: IdentityKeeper; token?: string; sleep?: Sleep; host?: string },
) {
  const hollow = await harness.hollow(member);
  const access = { kind: 'token', url: hollow.url, token: hollow.token } as const;
  const { host, ...rest } = options;
  return startAgent({
    ...rest,
    member: kubeMember(await connectCluster(access, { userAgent: 'berth-agent/test' })),
    log: silentLogger(),
    chance: () => 0,
    ...(host === undefined ? {} : { hostName: host }),
  });
}

const agentRow = async (cluster: string) => {
  const [row] = await harness.database.query<{
    epoch: string;
    host_name: string;
    connected: boolean;
    waiting: boolean;
  }>(
    `SELECT epoch, host_name, connected, waiting_seen_at IS NOT NULL AS waiting FROM cluster_agents WHERE cluster_id = $1`,
    [cluster],
  );
  return row;
};

/** Its first heartbeat is stored. */
const held = (cluster: string) =>
  eventually(
    () =>
      harness.database.query(`SELECT FROM cluster_agents WHERE cluster_id = $1 AND heard_at IS NOT NULL`, [cluster]),
    (rows) => rows.length === 1,
  );

const conditionsOf = (cluster: string) =>
  harness.database.query<{ type: string; reason: string; message: string; since: Date }>(
    `SELECT type, reason, message, since FROM cluster_conditions WHERE cluster_id = $1 ORDER BY type`,
    [cluster],
  );
const told = (cluster: string) =>
  harness.database.query<{ position: string }>(`SELECT position FROM feed WHERE kind = 'cluster' AND resource = $1`, [
    cluster,
  ]);

/** What a displaced agent waits before it stands by; here it is short. */
const hurried: Sleep = (ms, signal) => systemTiming.sleep(ms === 2_500 ? 50 : ms, signal);

describe('two agents of one cluster', () => {
  it('stay as they are, one holding the line and one standing by, and operators are told until one is gone', async () => {
    const hub = harness.hub().address;
    const identity = memoryKeeper();
    const token = await harness.register('rivals');
    const first = await anAgent('rivals', { hub, identity, token, sleep: hurried, host: 'rack-1' });
    await held('rivals');
    const kept = (await identity.load()) ?? expect.unreachable('it has enrolled');
    const { agent: second } = await RawAgent.connected(harness, kept, { instanceId: 'b-instance', hostName: 'rack-2' });
    const beating = setInterval(() => void second.say({ case: 'heartbeat', value: {} }).catch(() => undefined), 300);
    try {
      const [condition] = await eventually(
        () => conditionsOf('rivals'),
        (found) => found.length > 0,
      );
      expect(condition).toMatchObject({ type: 'AgentConflict', reason: 'AnotherAgentWaits' });
      expect(condition?.message).toMatch(/rack-2 \(b-instan\) holds the line, rack-1 \([0-9a-f]{8}\) waits for it/);
      expect(Date.now() - (condition?.since.getTime() ?? 0), 'since it waits').toBeGreaterThan(1_400);
      expect((await agentRow('rivals'))?.epoch, 'nothing was taken back').toBe('2');
      const before = (await told('rivals')).length;
      clearInterval(beating);
      await second.close();
      await eventually(
        () => agentRow('rivals'),
        (row) => row?.epoch === '3' && row.host_name === 'rack-1' && row.connected,
      );
      await eventually(
        () => conditionsOf('rivals'),
        (found) => found.length === 0,
      );
      await eventually(
        () => told('rivals'),
        (rows) => rows.length > before,
      );
    } finally {
      clearInterval(beating);
      await first.close();
    }
  });

  it('do not wait for a lease to run out: a line that was left is free at once', async () => {
    const long = await startLineHarness({ leaseTtlMs: 600_000 });
    try {
      const identity = await enrolWith(long, await long.register('left'));
      const { agent: holder } = await RawAgent.connected(long, identity, { instanceId: 'holder' });
      await holder.say({ case: 'heartbeat', value: {} });
      await eventually(
        () => long.database.query(`SELECT FROM cluster_agents WHERE cluster_id = 'left' AND heard_at IS NOT NULL`),
        (rows) => rows.length === 1,
      );
      const waiting = await RawAgent.waiting(long, identity, { instanceId: 'waiting', standsBy: true });
      await waiting.hear('standby');
      await holder.close();
      await waiting.hear('welcome');
      await waiting.close();
    } finally {
      await long.close();
    }
  });

  it('are none where one replaces the other, and where one comes back to a line that was left', async () => {
    const identity = await enrolWith(harness, await harness.register('rolled'));
    const { agent: old } = await RawAgent.connected(harness, identity, { instanceId: 'old' });
    const { agent: young } = await RawAgent.connected(harness, identity, { instanceId: 'young' });
    await old.hear('goodbye');
    await young.say({ case: 'heartbeat', value: {} });
    await held('rolled');
    const back = await RawAgent.waiting(harness, identity, { instanceId: 'old', standsBy: true });
    await back.hear('standby');
    await back.close();
    await eventually(
      () => agentRow('rolled'),
      (row) => row?.waiting === false,
    );
    await young.close();
    expect(await conditionsOf('rolled')).toEqual([]);
  });

  it('are told of no more when the one that waits gives up; the other one keeps the line', async () => {
    const identity = await enrolWith(harness, await harness.register('given-up'));
    const { agent: holder, welcome } = await RawAgent.connected(harness, identity, { instanceId: 'holder' });
    const beating = setInterval(() => void holder.say({ case: 'heartbeat', value: {} }).catch(() => undefined), 300);
    try {
      await held('given-up');
      const waiting = await RawAgent.waiting(harness, identity, { instanceId: 'waiting', standsBy: true });
      const [condition] = await eventually(
        () => conditionsOf('given-up'),
        (found) => found.length > 0,
      );
      expect(condition?.message).toContain('a host unknown (holder) holds the line');
      await waiting.close();
      await eventually(
        () => conditionsOf('given-up'),
        (found) => found.length === 0,
      );
      expect(await agentRow('given-up')).toMatchObject({ epoch: `${welcome.epoch}`, connected: true });
    } finally {
      clearInterval(beating);
      await holder.close();
    }
  });

  it('change places once the one that holds the line falls silent for a lease', async () => {
    const identity = await enrolWith(harness, await harness.register('silent'));
    const { agent: holder } = await RawAgent.connected(harness, identity, { instanceId: 'holder' });
    await holder.say({ case: 'heartbeat', value: {} });
    await held('silent');
    const waiting = await RawAgent.waiting(harness, identity, { instanceId: 'waiting', standsBy: true });
    await waiting.hear('standby');
    expect((await waiting.hear('welcome')).epoch).toBe(2n);
    expect((await holder.hear('goodbye')).reason).toBe(line.GoodbyeReason.SUPERSEDED);
    for (const each of [holder, waiting]) await each.close();
  });

  it('of which one waits lose both when the cluster is cut off', async () => {
    const identity = await enrolWith(harness, await harness.register('cut'));
    const { agent: holder } = await RawAgent.connected(harness, identity, { instanceId: 'holder' });
    await holder.say({ case: 'heartbeat', value: {} });
    await held('cut');
    const waiting = await RawAgent.waiting(harness, identity, { instanceId: 'waiting', standsBy: true });
    await waiting.hear('standby');
    await harness.database.query(`UPDATE certificates SET revoked_at = clock_timestamp() WHERE cluster_id = 'cut'`);
    for (const each of [holder, waiting]) {
      expect((await each.hear('goodbye')).reason).toBe(line.GoodbyeReason.REVOKED);
      await each.close();
    }
  });

  it('take the line from each other after longer and longer waits where the hub lets none stand by', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'berth-rivals-'));
    const ids = { secret: (bytes: number) => randomBytes(bytes) };
    const authority = await Authority.open({ directory, clock: systemClock, ids, lifetimeMs: 86_400_000 });
    const hub = new PreviousHub(line.AgentService);
    const port = await hub.listen((await authority.issueForServer(['127.0.0.1'])).tls);
    const { privateKey, request } = await newKey();
    const { chain: certificate } = await authority.issueForAgent(request, 'flapping');
    const identity = { privateKey, certificate, authority: authority.certificate, cluster: 'flapping' };
    const waits = [2_500, 5_000, 10_000, 20_000, 30_000];
    const waited: number[] = [];
    const sleep: Sleep = (ms, signal) => {
      if (!waits.includes(ms)) return systemTiming.sleep(ms, signal);
      waited.push(ms);
      return systemTiming.sleep(10, signal);
    };
    const agent = await anAgent('flapping', { hub: `127.0.0.1:${port}`, identity: memoryKeeper(identity), sleep });
    try {
      for (let round = 1; round <= waits.length; round++) {
        await eventually(
          async () => hub.all('hello').length,
          (hellos) => hellos === round,
        );
        hub.say({ message: { case: 'welcome', value: { incarnation: 'i', epoch: BigInt(round) } } });
        hub.say({ message: { case: 'goodbye', value: { reason: line.GoodbyeReason.SUPERSEDED } } });
      }
      await eventually(
        async () => waited,
        (found) => found.length === waits.length,
      );
      expect(waited).toEqual(waits);
      expect(
        hub
          .all('hello')
          .slice(0, waits.length)
          .map(({ standsBy }) => standsBy),
      ).toEqual([false, true, true, true, true]);
    } finally {
      await agent.close();
      hub.close();
      await rm(directory, { recursive: true });
    }
  });
});
