import 'reflect-metadata';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { line } from '#contract';
import { openChannel, type RpcChannel } from '#platform';
import { tlsOf } from '../../apps/agent/identity/enrolment.js';
import type { AgentIdentity } from '../../apps/agent/index.js';
import { configMap, type LineHarness, namespace, startLineHarness } from './harness.js';
import { enrolWith, RawAgent, readyStatus, reportOf } from './raw-agent.js';

/** Everything that the line can be asked, by who holds the certificate of cluster `thief`, about cluster `owner`. */
let harness: LineHarness;
let owner: { identity: AgentIdentity; agent: RawAgent; welcome: line.Welcome };
let thief: AgentIdentity;
let channel: RpcChannel;
let work: { id: string; sequence: bigint };
let tombstone: string;

beforeAll(async () => {
  harness = await startLineHarness({ leaseTtlMs: 600_000 });
  const identity = await enrolWith(harness, await harness.register('owner'));
  thief = await enrolWith(harness, await harness.register('thief'));
  owner = { identity, ...(await RawAgent.connected(harness, identity, { clusterUid: 'uid-of-owner' })) };
  work = await harness.putWork({ cluster: 'owner', component: 'c', manifests: () => [configMap('c', {})] });
  const object = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'c' };
  tombstone = await harness.putTombstone({ cluster: 'owner', workId: work.id, object, uid: 'u' });
  channel = openChannel({ address: harness.hub().address, tls: tlsOf(thief) });
});
afterAll(async () => {
  channel?.close();
  await owner?.agent.close();
  await harness.close();
});

/** All that the store holds of the owner and of what it runs. */
const ownersRows = () =>
  harness.database.query(
    `SELECT (SELECT to_jsonb(a) FROM cluster_agents a WHERE cluster_id = 'owner') AS agent,
            (SELECT to_jsonb(c) FROM cluster_capacity c WHERE cluster_id = 'owner') AS capacity,
            (SELECT to_jsonb(c) FROM clusters c WHERE id = 'owner') AS cluster,
            (SELECT jsonb_agg(s) FROM work_status s WHERE cluster_id = 'owner' OR work_id = $1) AS status,
            (SELECT jsonb_agg(t) FROM tombstones t WHERE cluster_id = 'owner') AS tombstones,
            (SELECT jsonb_agg(x) FROM certificates x WHERE cluster_id = 'owner') AS certificates`,
    [work.id],
  );

async function leavesTheOwnerAlone(doing: () => Promise<void>): Promise<void> {
  const before = await ownersRows();
  await doing();
  expect(await ownersRows()).toEqual(before);
  expect(owner.agent.ended, 'its stream goes on').toBeUndefined();
}

const asThief = async (hello: Parameters<typeof RawAgent.connected>[2] = {}) =>
  RawAgent.connected(harness, thief, hello);

/** By the field of ConnectRequest that carries it: a message without a case fails the suite. */
const messages: Readonly<Record<string, () => Promise<void>>> = {
  hello: async () => {
    const { incarnation } = owner.welcome;
    const hello = { clusterUid: 'uid-of-owner', resumeFrom: { incarnation, sequence: 0n } };
    const { agent, welcome } = await asThief(hello);
    expect(welcome.headSequence, 'its own, not the owner’s').toBe(0n);
    await expect(agent.hear('workBatch', 700), 'no work of the owner').rejects.toThrow('the stream is open');
    await agent.close();
  },
  heartbeat: async () => {
    const { agent } = await asThief();
    const allocatable = { mcpu: 9_000_000n, memoryBytes: 1n, pods: 1n };
    await agent.say({ case: 'heartbeat', value: { inventory: { nodes: 99, readyNodes: 99, allocatable } } });
    await agent.say(reportOf(1n, []));
    await agent.hear('statusAck');
    await agent.close();
  },
  statusReport: async () => {
    const { agent } = await asThief();
    const outcome = { tombstoneId: tombstone, outcome: line.TombstoneOutcome.DELETED };
    await agent.say({
      case: 'statusReport',
      value: { sequence: 1n, bracket: line.Bracket.WHOLE, works: [readyStatus(work.id)], tombstones: [outcome] },
    });
    await agent.hear('statusAck');
    await agent.close();
  },
  schemaReport: async () => {
    const { agent } = await asThief();
    const content = randomBytes(8);
    await agent.say({ case: 'schemaReport', value: { digest: 'sha256:owners', content } });
    expect((await agent.end()).code).toBe('INVALID_ARGUMENT');
    await agent.close();
  },
};

const codeOf = async (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'it was served',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
  );

async function ticketFor(cluster: string): Promise<string> {
  const [id, secret] = [randomUUID(), randomBytes(32).toString('base64url')];
  await harness.database.query(`INSERT INTO tenants (id) VALUES ('acme') ON CONFLICT DO NOTHING`);
  await harness.database.query(
    `INSERT INTO tunnels (id, tenant_id, actor, secret_hash, cluster_id, tunnel_order, expires_at)
     VALUES ($1, 'acme', 'test', $2, $3, '{}', now() + interval '1 minute')`,
    [id, createHash('sha256').update(secret).digest(), cluster],
  );
  return `tunnel_${id}_${secret}`;
}

/** By service and method: one without a case fails the suite. */
const methods: Readonly<Record<string, () => Promise<void>>> = {
  'AgentService.Connect': async () => {
    const { agent, welcome } = await asThief();
    expect(welcome.headSequence).toBe(0n);
    await agent.close();
  },
  'AgentService.RenewCertificate': async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const names = new x509.SubjectAlternativeNameExtension([{ type: 'url', value: 'spiffe://berth/cluster/owner' }]);
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      ...{ name: 'CN=owner', keys, signingAlgorithm: algorithm, extensions: [names] },
    });
    const certificateSigningRequest = new Uint8Array(request.rawData);
    const answer = await channel.client(line.AgentService).renewCertificate({ certificateSigningRequest });
    const [der] = x509.PemConverter.decode(answer.certificateChain);
    const made = new x509.X509Certificate(der ?? new ArrayBuffer(0));
    expect(made.subject).toBe('CN=thief');
    const named = made.getExtension(x509.SubjectAlternativeNameExtension)?.names.items.map(({ value }) => value);
    expect(named).toEqual(['spiffe://berth/cluster/thief']);
  },
  'EnrolmentService.Enrol': async () => {
    const request = {
      token: 'enrol_owner_0123456789abcdef0123_'.padEnd(98, '0'),
      certificateSigningRequest: randomBytes(8),
    };
    expect(await codeOf(channel.client(line.EnrolmentService).enrol(request)), 'a certificate is no token').toBe(
      'UNAUTHENTICATED',
    );
  },
  'TunnelService.Relay': async () => {
    const stream = channel.client(line.TunnelService).relay();
    await stream.write({ message: { case: 'ticket', value: `tunnel_${randomUUID()}_${'x'.repeat(43)}` } });
    expect((await stream.status).code, 'a certificate is no ticket').toBe('UNAUTHENTICATED');
  },
  'TunnelService.Attach': async () => {
    const gateway = openChannel({ address: harness.hub().address, tls: { authority: thief.authority } });
    const relayed = gateway.client(line.TunnelService).relay();
    await relayed.write({ message: { case: 'ticket', value: await ticketFor('owner') } });
    const { tunnel } = await owner.agent.hear('tunnelOpen');
    const stolen = channel.client(line.TunnelService).attach();
    await stolen.write({ message: { case: 'tunnel', value: tunnel } });
    expect((await stolen.status).code).toBe('NOT_FOUND');
    const owners = openChannel({ address: harness.hub().address, tls: tlsOf(owner.identity) });
    const joined = owners.client(line.TunnelService).attach();
    await joined.write({ message: { case: 'tunnel', value: tunnel } });
    await joined.write({ message: { case: 'frame', value: { frame: { case: 'end', value: { code: '' } } } } });
    for await (const { frame } of relayed.messages) {
      expect(frame?.frame.case, 'its own agent is let in').toBe('end');
      break;
    }
    relayed.cancel();
    joined.cancel();
    gateway.close();
    owners.close();
  },
};

describe('with the certificate of another cluster', () => {
  const wanted = line.ConnectRequestSchema.fields.map((field) => field.localName);
  const services = Object.values(line).filter((each) => 'kind' in each && each.kind === 'service');
  const called = services.flatMap(({ name, methods: own }) => own.map((method) => `${name}.${method.name}`));

  it('every message of the line and every method has its case', () => {
    expect(Object.keys(messages).sort()).toEqual([...wanted].sort());
    expect(Object.keys(methods).sort()).toEqual([...called].sort());
  });

  it.each(wanted)('a %s changes and shows nothing of the cluster that it speaks of', async (message) => {
    await leavesTheOwnerAlone(async () => messages[message]?.());
  });

  it.each(called)('%s changes and shows nothing of it', async (method) => {
    await leavesTheOwnerAlone(async () => methods[method]?.());
  });
});
