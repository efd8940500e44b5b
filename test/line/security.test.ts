import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { line, wire } from '#contract';
import { clockAt, systemClock } from '#domain';
import { type ClientTls, openChannel, RpcError } from '#platform';
import { postgresAgentStore, revokeAgent, voidEnrolmentTokens } from '#store';
import { tlsOf } from '../../apps/agent/identity/enrolment.js';
import { newKey, validityOf } from '../../apps/agent/identity/identity.js';
import { type AgentIdentity, memoryKeeper, NotEnrolled } from '../../apps/agent/index.js';
import { Authority } from '../../apps/hub/authority/authority.js';
import { type LocalBerth, startLocalBerth } from '../../apps/local/berth.js';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { configMap, eventually, type LineHarness, startLineHarness } from './harness.js';
import { enrolWith, RawAgent, readyStatus, reportOf } from './raw-agent.js';

const minute = 60_000;
/** TLS drops a certificate that is not in force, as if none had been shown. */
const notInForce = 'UNAUTHENTICATED CERTIFICATE_REQUIRED';

let harness: LineHarness;
beforeAll(async () => {
  harness = await startLineHarness();
});
afterAll(() => harness.close());

const epochOf = async (cluster: string) =>
  (
    await harness.database.query<{ epoch: string }>(`SELECT epoch FROM cluster_agents WHERE cluster_id = $1`, [cluster])
  )[0]?.epoch;

const reasonOf = async (call: Promise<unknown>): Promise<string> => {
  const error: unknown = await call.then(
    () => 'it was served',
    (thrown: unknown) => thrown,
  );
  return error instanceof RpcError ? `${error.code} ${error.details.errorInfo?.reason}` : String(error);
};

/** What the hub answers to a renewal: who may not renew may do nothing. */
async function renewal(address: string, tls: ClientTls): Promise<string> {
  const channel = openChannel({ address, tls, attempts: 1 });
  const { request } = await newKey();
  const reason = await reasonOf(
    channel.client(line.AgentService).renewCertificate({ certificateSigningRequest: request }, { deadlineMs: 5_000 }),
  );
  channel.close();
  return reason;
}

/** A certificate of this hub's authority that was in force at another time. */
async function identityOf(cluster: string, issuedAt: number, lifetimeMs = 3_600_000): Promise<AgentIdentity> {
  const ids = { secret: (bytes: number) => randomBytes(bytes) };
  const { directory } = harness;
  const authority = await Authority.open({ directory, clock: clockAt(issuedAt), ids, lifetimeMs });
  const { privateKey, request } = await newKey();
  const { chain } = await authority.issueForAgent(request, cluster);
  return { authority: harness.hub().authorityCertificate, certificate: chain, privateKey, cluster };
}

describe('the hub', () => {
  it('speaks TLS 1.3 with agents and refuses a client that has only TLS 1.2', async () => {
    const [host, port] = harness.hub().address.split(':');
    const at = { host, port: Number(port), ca: harness.hub().authorityCertificate, ALPNProtocols: ['h2'] };
    const old = connect({ ...at, maxVersion: 'TLSv1.2' });
    const [error] = await once(old, 'error');
    expect(error).toMatchObject({ code: expect.stringMatching(/PROTOCOL_VERSION/) });
    const modern = connect(at);
    await once(modern, 'secureConnect');
    expect(modern.getProtocol()).toBe('TLSv1.3');
    modern.destroy();
  });
});

describe('a line', () => {
  beforeAll(() => harness.restartHub({ certificateLifetimeMs: 4_000 }));
  afterAll(() => harness.restartHub());

  it('goes on over many rotations of its certificate, under one epoch and without a single reconnect', async () => {
    const hollow = await harness.hollow('rotating');
    const agent = await harness.agent({ member: hollow, token: await harness.register('rotating') });
    const issued = () =>
      harness.database.query<{ first_serial: string; expired: boolean }>(
        `SELECT first_serial, expires_at < clock_timestamp() AS expired FROM certificates WHERE cluster_id = 'rotating'`,
      );
    const rows = await eventually(issued, (found) => found.length >= 7, 30_000);
    expect(new Set(rows.map((row) => row.first_serial)).size).toBe(1);
    expect(rows.filter((row) => row.expired).length).toBeGreaterThan(2);
    expect(await epochOf('rotating')).toBe('1');
    const work = await harness.putWork({
      cluster: 'rotating',
      component: 'late',
      manifests: () => [configMap('c', {})],
    });
    await eventually(
      () => harness.database.query(`SELECT FROM work_status WHERE work_id = $1 AND generation = 1`, [work.id]),
      (found) => found.length === 1,
    );
    expect(await epochOf('rotating')).toBe('1');
    await agent.close();
  }, 60_000);

  it('is cut when its certificate has run out and none has renewed it, and a new one is refused by that reason', async () => {
    const identity = await enrolWith(harness, await harness.register('forgetful'));
    const { agent } = await RawAgent.connected(harness, identity);
    const goodbye = await agent.hear('goodbye', 10_000);
    expect(goodbye.reason).toBe(line.GoodbyeReason.CERTIFICATE_EXPIRED);
    expect(goodbye.message).toContain('has expired');
    expect((await agent.end()).code).toBe('OK');
    await agent.close();
    expect(await renewal(harness.hub().address, tlsOf(identity))).toBe(notInForce);
  });

  it('of another enrolment of the same cluster lends it no time', async () => {
    const first = await enrolWith(harness, await harness.register('doubled'));
    const { agent } = await RawAgent.connected(harness, first);
    await harness.database.query(
      `INSERT INTO certificates (serial, first_serial, cluster_id, expires_at) VALUES ('other', 'other', 'doubled', now() + interval '1 day')`,
    );
    expect((await agent.hear('goodbye', 10_000)).reason).toBe(line.GoodbyeReason.CERTIFICATE_EXPIRED);
    await agent.close();
  });
});

describe('a certificate that expired yesterday', () => {
  it('is refused with that reason, and its agent says at the start that it needs a token', async () => {
    await harness.register('yesterday');
    const identity = await identityOf('yesterday', Date.now() - 25 * 3_600_000, 3_600_000);
    expect(await renewal(harness.hub().address, tlsOf(identity))).toBe(notInForce);
    const hollow = await harness.hollow('yesterday');
    const start = harness.agent({ member: hollow, identity: memoryKeeper(identity) });
    await expect(start).rejects.toThrow(
      /certificate has expired: a new enrolment token is needed \(--token, BERTH_TOKEN\); "berth cluster token \S+" makes one/,
    );
    expect(await epochOf('yesterday')).toBe('0');
    const cured = await harness.agent({
      member: hollow,
      identity: memoryKeeper(identity),
      token: await harness.newToken('yesterday'),
    });
    await eventually(
      () => epochOf('yesterday'),
      (epoch) => epoch === '1',
    );
    await cured.close();
  });

  it('and ran out while the agent was cut off ends the agent with a word that helps', async () => {
    await harness.restartHub({ certificateLifetimeMs: 2_000 });
    const hollow = await harness.hollow('away');
    const keeper = memoryKeeper();
    const agent = await harness.agent({ member: hollow, token: await harness.register('away'), identity: keeper });
    await eventually(
      () => epochOf('away'),
      (epoch) => epoch === '1',
    );
    const ended = expect(agent.done).rejects.toSatisfy(
      (error) =>
        error instanceof NotEnrolled && /"away" ran out at .* a new enrolment token is needed/.test(error.message),
    );
    await harness.stopHub();
    const kept = await keeper.load();
    const until = kept === undefined ? 0 : validityOf(kept).until;
    await eventually(
      async () => Date.now(),
      (now) => now > until,
    );
    await harness.restartHub();
    await ended;
    await agent.close();
  });
});

describe('a clock ten minutes off', () => {
  it.each([
    ['ahead at the hub', 10 * minute],
    ['behind at the hub', -10 * minute],
  ])('%s lets agents enrol, connect, report and renew all the same', async (_, ms) => {
    const skewed = await startLineHarness({}, { now: () => systemClock.now() + ms });
    try {
      const identity = await enrolWith(skewed, await skewed.register('skewed'));
      const { agent } = await RawAgent.connected(skewed, identity);
      const work = await skewed.putWork({ cluster: 'skewed', component: 'c', manifests: () => [configMap('c', {})] });
      await agent.hear('workBatch');
      await agent.say(reportOf(1n, [readyStatus(work.id)]));
      expect((await agent.hear('statusAck')).sequence).toBe(1n);
      const [row] = await skewed.database.query<{ off: number }>(
        `SELECT abs(extract(epoch FROM clock_timestamp() - reported_at))::float8 AS off FROM work_status`,
      );
      expect(row?.off, 'seconds; status is stamped by the store').toBeLessThan(30);
      expect(await renewal(skewed.hub().address, tlsOf(identity))).toBe('it was served');
      expect(agent.ended).toBeUndefined();
      await agent.close();
    } finally {
      await skewed.close();
    }
  });

  it('at the agent makes no certificate in force seem to have expired', async () => {
    const identity = await identityOf('slow', Date.now(), 60 * minute);
    for (const ms of [10 * minute, -10 * minute]) {
      const { from, until } = validityOf(identity);
      expect(from).toBeLessThan(Date.now() + ms);
      expect(until).toBeGreaterThan(Date.now() + ms);
    }
  });
});

describe('two agents of one cluster', () => {
  it('are never heard both: the one that came last is, and the other is told why and leaves it be', async () => {
    const token = await harness.register('twins');
    const first = await enrolWith(harness, token);
    const second = await enrolWith(harness, await harness.newToken('twins'));
    const one = await RawAgent.connected(harness, first);
    const two = await RawAgent.connected(harness, second);
    const goodbye = await one.agent.hear('goodbye');
    expect(goodbye.reason).toBe(line.GoodbyeReason.SUPERSEDED);
    expect(goodbye.message).toBe('a newer stream of this cluster was accepted');
    expect((await one.agent.end()).code).toBe('OK');
    const work = await harness.putWork({ cluster: 'twins', component: 'c', manifests: () => [configMap('c', {})] });
    await two.agent.hear('workBatch');
    await two.agent.say(reportOf(1n, [readyStatus(work.id)]));
    await two.agent.hear('statusAck');
    expect(await epochOf('twins')).toBe(two.welcome.epoch.toString());
    await Promise.all([one.agent.close(), two.agent.close()]);
  });
});

describe('an agent that an operator revokes', () => {
  let berth: LocalBerth;
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startTestDatabase();
    const { urlFor } = database;
    berth = await startLocalBerth({ database: { urlFor: (role) => urlFor(role), close: () => database.close() } });
  });
  afterAll(() => berth.close());

  /** Cut off by `revoke`; answers after how many milliseconds. */
  async function timeToGoodbye(cluster: string, revoke: (name: string) => Promise<unknown>): Promise<number> {
    const channel = openChannel({
      address: berth.gateway.address,
      metadata: () => ({ authorization: `Bearer ${berth.keys.operator}` }),
    });
    const clusters = channel.client(wire.ClusterService);
    const name = `clusters/${cluster}`;
    const registered = await clusters.registerCluster({ clusterId: cluster, cluster: { region: 'eu' } });
    const hub = { hub: () => berth.hub };
    const identity = await enrolWith(hub, registered.enrolmentToken?.token ?? '');
    const { token: unused } = await clusters.createEnrolmentToken({ name });
    const { agent } = await RawAgent.connected(hub, identity);
    const began = Date.now();
    await revoke(name);
    expect((await agent.hear('goodbye')).reason).toBe(line.GoodbyeReason.REVOKED);
    const took = Date.now() - began;
    expect((await agent.end()).code).toBe('OK');
    await agent.close();
    await expect(RawAgent.connected(hub, identity)).rejects.toThrow(/UNAUTHENTICATED/);
    expect(await renewal(berth.hub.address, tlsOf(identity))).toBe('UNAUTHENTICATED CERTIFICATE_REVOKED');
    const stored = await database.query<{ open: string; inForce: string }>(
      `SELECT (SELECT count(*) FROM certificates WHERE cluster_id = $1 AND revoked_at IS NULL) AS "inForce",
              (SELECT count(*) FROM cluster_agents WHERE cluster_id = $1 AND connected) AS open`,
      [cluster],
    );
    expect(stored).toEqual([{ inForce: '0', open: '0' }]);
    expect((await clusters.getCluster({ name })).region, 'it stays registered').toBe('eu');
    await clusters.revokeAgent({ name });
    expect(await reasonOf(enrolWith(hub, unused))).toBe('UNAUTHENTICATED TOKEN_VOID');
    const { token } = await clusters.createEnrolmentToken({ name });
    const back = await RawAgent.connected(hub, await enrolWith(hub, token));
    expect(back.welcome.epoch).toBe(2n);
    await back.agent.close();
    channel.close();
    return took;
  }

  it('is out of reach at once, whatever it still says, until another one has enrolled', async () => {
    const channel = openChannel({
      address: berth.gateway.address,
      metadata: () => ({ authorization: `Bearer ${berth.keys.operator}` }),
    });
    const clusters = channel.client(wire.ClusterService);
    const name = 'clusters/truthful';
    const phase = async () => (await clusters.getCluster({ name })).phase;
    const beat = { case: 'heartbeat', value: create(line.HeartbeatSchema, { inventory: { nodes: 1 } }) } as const;
    const hub = { hub: () => berth.hub };
    const { enrolmentToken } = await clusters.registerCluster({ clusterId: 'truthful', cluster: { region: 'eu' } });
    const { agent } = await RawAgent.connected(hub, await enrolWith(hub, enrolmentToken?.token ?? ''));
    await agent.say(beat);
    await eventually(phase, (found) => found === wire.ClusterPhase.READY);

    const beating = setInterval(() => void agent.say(beat).catch(() => undefined), 20);
    await clusters.revokeAgent({ name });
    expect(await phase()).toBe(wire.ClusterPhase.UNREACHABLE);
    await agent.hear('goodbye');
    clearInterval(beating);
    await agent.close();
    expect(await phase()).toBe(wire.ClusterPhase.UNREACHABLE);
    const leases = () =>
      database.query<{ runs: boolean }>(
        `SELECT lease_expires_at > clock_timestamp() AS runs FROM cluster_agents WHERE cluster_id = 'truthful'`,
      );
    const began = Date.now();
    await eventually(leases, ([lease]) => lease?.runs === false);
    expect(Date.now() - began, 'no wait for a lease of ten seconds').toBeLessThan(5_000);

    const { token } = await clusters.createEnrolmentToken({ name });
    const back = await RawAgent.connected(hub, await enrolWith(hub, token));
    await back.agent.say(beat);
    await eventually(phase, (found) => found === wire.ClusterPhase.READY);
    await back.agent.close();
    channel.close();
  });

  it('is cut off within five seconds, woken by the feed', async () => {
    const took = await timeToGoodbye('announced', async (name) => {
      const channel = openChannel({
        address: berth.gateway.address,
        metadata: () => ({ authorization: `Bearer ${berth.keys.operator}` }),
      });
      const answer = await channel.client(wire.ClusterService).revokeAgent({ name });
      expect(answer).toMatchObject({ revokedCertificates: 1, voidedTokens: 1 });
      channel.close();
    });
    console.info(`revoked by the API: cut off after ${took} ms`);
    expect(took).toBeLessThan(5_000);
  });

  it('is cut off within five seconds where the feed says nothing, by the scan', async () => {
    const took = await timeToGoodbye('unannounced', async (name) => {
      const cluster = name.slice('clusters/'.length);
      await database.query(`UPDATE certificates SET revoked_at = clock_timestamp() WHERE cluster_id = $1`, [cluster]);
    });
    console.info(`revoked without a word: cut off after ${took} ms`);
    expect(took).toBeLessThan(5_000);
  });

  it('cannot slip through by a certificate that the store has forgotten', async () => {
    const identity = await enrolWith(harness, await harness.register('restored'));
    const { agent } = await RawAgent.connected(harness, identity);
    await agent.close();
    await harness.database.query(`DELETE FROM certificates WHERE cluster_id = 'restored'`);
    await harness.database.query(
      `UPDATE cluster_agents SET revoked_at = clock_timestamp() WHERE cluster_id = 'restored'`,
    );
    expect(await renewal(harness.hub().address, tlsOf(identity))).toBe('UNAUTHENTICATED CERTIFICATE_REVOKED');
  });
});

describe('an agent that was revoked', () => {
  it('takes no new certificate along that was being made meanwhile', async () => {
    await harness.register('racing');
    const store = await harness.database.connect('berth_hub');
    const operator = await harness.database.connect('berth_gateway');
    const until = () => Date.now() + 60 * minute;
    for (let round = 0; round < 20; round++) {
      const serial = `racing-${round}`;
      const agents = postgresAgentStore(store, 'hub');
      await harness.database.query(
        `INSERT INTO certificates (serial, first_serial, cluster_id, expires_at) VALUES ($1, $1, 'racing', now() + interval '1 hour')`,
        [serial],
      );
      await Promise.all([
        agents.recordRenewal({ serial: `${serial}-next`, cluster: 'racing', expiresAt: until() }, serial),
        operator.unitOfWork.run({ kind: 'operator', actor: 'test' }, async (tx) => {
          await voidEnrolmentTokens(tx, 'racing');
          return revokeAgent(tx, 'racing');
        }),
      ]);
      const left = await harness.database.query(
        `SELECT serial FROM certificates WHERE cluster_id = 'racing' AND revoked_at IS NULL`,
      );
      expect(left).toEqual([]);
    }
  });
});
