import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { line } from '#contract';
import type { ClusterConditionType } from '#domain';
import { eventually, type LineHarness, startLineHarness } from './harness.js';
import { enrolWith, RawAgent } from './raw-agent.js';

let harness: LineHarness;
beforeAll(async () => {
  harness = await startLineHarness();
});
afterAll(() => harness.close());

interface Told {
  type: ClusterConditionType;
  reason: string;
  message: string;
  since: Date;
}

const told = (cluster: string) =>
  harness.database.query<Told & Record<string, unknown>>(
    `SELECT type, reason, message, since FROM cluster_conditions WHERE cluster_id = $1 ORDER BY type`,
    [cluster],
  );
/** How often those who watch the cluster have been told of a change. */
const news = async (cluster: string) =>
  (await harness.database.query(`SELECT FROM feed WHERE kind = 'cluster' AND resource = $1`, [cluster])).length;

/** Waits until this is told, and whoever watches was; answers it. */
async function raised(cluster: string, type: ClusterConditionType, whenIs: (one: Told) => boolean = () => true) {
  const rows = await eventually(
    () => told(cluster),
    (found) => found.some((each) => each.type === type && whenIs(each)),
  );
  return rows.find((each) => each.type === type) ?? expect.unreachable();
}

/** Does `cure`, and waits until nothing is told any more and whoever watches has heard. */
async function healedBy(cluster: string, cure: () => Promise<unknown>): Promise<void> {
  const before = await news(cluster);
  await cure();
  await eventually(
    () => told(cluster),
    (found) => found.length === 0,
  );
  await eventually(
    () => news(cluster),
    (count) => count > before,
  );
}

const beatAt = (agentTime: number | undefined) => ({
  case: 'heartbeat' as const,
  value: create(
    line.HeartbeatSchema,
    agentTime === undefined ? {} : { agentTime: timestampFromMs(Math.round(agentTime)) },
  ),
});
const minutes = 60_000;

describe('operators are told', () => {
  it('that an agent was cut off, until another one has enrolled', async () => {
    const token = await harness.register('cut-off');
    await enrolWith(harness, token);
    await harness.database.query(
      `UPDATE cluster_agents SET revoked_at = clock_timestamp() - interval '1 hour' WHERE cluster_id = 'cut-off'`,
    );
    await harness.database.query(`UPDATE certificates SET revoked_at = clock_timestamp() WHERE cluster_id = 'cut-off'`);
    const one = await raised('cut-off', 'AgentRevoked');
    expect(one).toMatchObject({ reason: 'RevokedByOperator' });
    expect(one.message).toContain('"berth cluster token cut-off"');
    expect(Date.now() - one.since.getTime()).toBeGreaterThan(59 * minutes);
    const another = await harness.newToken('cut-off');
    await healedBy('cut-off', () => enrolWith(harness, another));
  });

  it('that a certificate ran out which nothing has renewed, until an agent enrols anew', async () => {
    await enrolWith(harness, await harness.register('outdated'));
    const yesterday = `clock_timestamp() - interval '1 day'`;
    await harness.database.query(`UPDATE certificates SET expires_at = ${yesterday} WHERE cluster_id = 'outdated'`);
    await harness.database.query(
      `UPDATE cluster_agents SET certificate_expires_at = ${yesterday} WHERE cluster_id = 'outdated'`,
    );
    const one = await raised('outdated', 'CertificateExpired');
    expect(one).toMatchObject({
      reason: 'NotRenewed',
      message: expect.stringContaining('berth cluster token outdated'),
    });
    expect(Date.now() - one.since.getTime(), 'since it ran out').toBeGreaterThan(23 * 60 * minutes);
    const token = await harness.newToken('outdated');
    await healedBy('outdated', () => enrolWith(harness, token));
  });

  it('how far the clock of an agent is off and which way, until it is set; one that does not say is let be', async () => {
    const identity = await enrolWith(harness, await harness.register('skewed'));
    const { agent } = await RawAgent.connected(harness, identity);
    let agentClock: (() => number) | undefined = () => Date.now() + 10 * minutes;
    const beating = setInterval(() => void agent.say(beatAt(agentClock?.())).catch(() => undefined), 100);
    try {
      const ahead = await raised('skewed', 'ClockSkew');
      expect(ahead.reason).toBe('AgentClockAhead');
      expect(ahead.message).toMatch(/^the agent's clock is 10 min ahead of the store's/);
      agentClock = () => Date.now() - 20 * minutes;
      const behind = await raised('skewed', 'ClockSkew', ({ reason }) => reason === 'AgentClockBehind');
      expect(behind.message).toMatch(/is 20 min behind the store's/);
      expect(behind.since, 'it was wrong all the time').toEqual(ahead.since);
      agentClock = () => Date.now() - 40_000;
      await raised('skewed', 'ClockSkew', ({ message }) => message.includes(' 1 min '));
      await healedBy('skewed', async () => {
        agentClock = () => Date.now() - 20_000;
      });
      agentClock = () => Date.now() + 10 * minutes;
      await raised('skewed', 'ClockSkew');
      await healedBy('skewed', async () => {
        agentClock = undefined;
      });
    } finally {
      clearInterval(beating);
      await agent.close();
    }
  });

  it('that two clusters are one and the same, until one of them is gone', async () => {
    const clusters = ['east', 'west', 'apart'];
    for (const cluster of clusters) {
      const identity = await enrolWith(harness, await harness.register(cluster));
      const clusterUid = cluster === 'apart' ? 'another-uid' : 'one-uid';
      const { agent } = await RawAgent.connected(harness, identity, { clusterUid });
      await agent.close();
    }
    const east = await raised('east', 'SameMember');
    expect(east).toMatchObject({
      reason: 'MemberUidShared',
      message: expect.stringContaining('registered as west, too'),
    });
    expect(await raised('west', 'SameMember')).toMatchObject({
      reason: 'RegisteredLater',
      message: expect.stringMatching(/registered as east, too; nothing new is placed here, since east was .* earlier/),
    });
    expect(await told('apart')).toEqual([]);
    await healedBy('east', () => harness.database.query(`DELETE FROM clusters WHERE id = 'west'`));
  });

  it('each thing once, however often the hub looks', async () => {
    const before = await news('apart');
    await harness.database.query(`UPDATE cluster_agents SET revoked_at = clock_timestamp() WHERE cluster_id = 'apart'`);
    await harness.database.query(`UPDATE certificates SET revoked_at = clock_timestamp() WHERE cluster_id = 'apart'`);
    await raised('apart', 'AgentRevoked');
    await eventually(
      () => news('apart'),
      (count) => count > before,
    );
    const after = await news('apart');
    // two more looks at all clusters
    await enrolWith(harness, await harness.register('other'));
    const cutOff = `SET revoked_at = clock_timestamp() WHERE cluster_id = 'other'`;
    for (const table of ['cluster_agents', 'certificates']) await harness.database.query(`UPDATE ${table} ${cutOff}`);
    await raised('other', 'AgentRevoked');
    const token = await harness.newToken('other');
    await healedBy('other', () => enrolWith(harness, token));
    expect(await told('apart')).toHaveLength(1);
    expect(await news('apart')).toBe(after);
  });
});
