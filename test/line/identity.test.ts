import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getOption } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { line, wire } from '#contract';
import { clockAt } from '#domain';
import { type ClientTls, createRpcClient, openChannel, RpcError } from '#platform';
import { newKey } from '../../apps/agent/identity/identity.js';
import { directoryKeeper, HubNotTrusted, memoryKeeper, NotEnrolled, WrongMember } from '../../apps/agent/index.js';
import { Authority } from '../../apps/hub/authority/authority.js';
import { eventually, type LineHarness, startLineHarness } from './harness.js';
import { enrolWith, RawAgent } from './raw-agent.js';

let harness: LineHarness;
beforeAll(async () => {
  harness = await startLineHarness();
});
afterAll(() => harness.close());

const certificatesOf = (cluster: string) =>
  harness.database.query<{ serial: string }>('SELECT serial FROM certificates WHERE cluster_id = $1', [cluster]);

const reasonOf = async (call: Promise<unknown>): Promise<string> => {
  const error: unknown = await call.then(
    () => 'it was served',
    (thrown: unknown) => thrown,
  );
  return error instanceof RpcError ? `${error.code} ${error.details.errorInfo?.reason}` : String(error);
};

describe('enrolment', () => {
  it('gives a certificate for a token once, and refuses the second use without a trace', async () => {
    const token = await harness.register('once');
    const identity = await enrolWith(harness, token);
    expect(identity.cluster).toBe('once');
    expect(await reasonOf(enrolWith(harness, token))).toBe('UNAUTHENTICATED TOKEN_USED');
    expect(await certificatesOf('once')).toHaveLength(1);
  });

  it('gives one certificate when many come with the same token at once', async () => {
    const token = await harness.register('crowded');
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => reasonOf(enrolWith(harness, token))));
    expect(outcomes.filter((outcome) => outcome === 'it was served')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'UNAUTHENTICATED TOKEN_USED')).toHaveLength(7);
    expect(await certificatesOf('crowded')).toHaveLength(1);
  });

  it('refuses an expired, a voided and an unknown token, each by its reason', async () => {
    const expired = await harness.register('late', { expiresInMs: -1_000 });
    expect(await reasonOf(enrolWith(harness, expired))).toBe('UNAUTHENTICATED TOKEN_EXPIRED');
    const voided = await harness.newToken('late');
    await harness.database.query(`UPDATE enrolment_tokens SET voided_at = clock_timestamp() WHERE id = $1`, [
      voided.split('_')[1],
    ]);
    expect(await reasonOf(enrolWith(harness, voided))).toBe('UNAUTHENTICATED TOKEN_VOID');
    const guessed = `enrol_${voided.split('_')[1]}_${randomBytes(32).toString('hex')}_${harness.hub().authorityFingerprint}`;
    expect(await reasonOf(enrolWith(harness, guessed))).toBe('UNAUTHENTICATED TOKEN_UNKNOWN');
    expect(await certificatesOf('late')).toHaveLength(0);
  });

  it('leaves the token unused when the signing request is not good', async () => {
    const token = await harness.register('sloppy');
    const { rpc, close } = createRpcClient(line.EnrolmentService, {
      address: harness.hub().address,
      tls: { authority: harness.hub().authorityCertificate },
    });
    const { request } = await newKey();
    const forged = Uint8Array.from(request);
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    for (const certificateSigningRequest of [new Uint8Array(), randomBytes(64), forged])
      expect(await reasonOf(rpc.enrol({ token, certificateSigningRequest }))).toBe('INVALID_ARGUMENT INVALID_REQUEST');
    close();
    expect((await enrolWith(harness, token)).cluster).toBe('sloppy');
  });

  it('sends no token to a hub that does not show the pinned authority', async () => {
    const token = await harness.register('pinned', { fingerprint: 'ab'.repeat(32) });
    await expect(enrolWith(harness, token)).rejects.toBeInstanceOf(HubNotTrusted);
    const [row] = await harness.database.query<{ used_at: Date | null }>(
      `SELECT used_at FROM enrolment_tokens WHERE cluster_id = 'pinned'`,
    );
    expect(row?.used_at).toBeNull();
  });

  it('keeps the identity for the owner alone and needs no token at the next start', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'berth-agent-'));
    const hollow = await harness.hollow('kept');
    const token = await harness.register('kept');
    const first = await harness.agent({ member: hollow, token, identity: directoryKeeper(directory) });
    await first.close();
    expect((await stat(join(directory, 'identity.json'))).mode & 0o777).toBe(0o600);
    const second = await harness.agent({ member: hollow, identity: directoryKeeper(directory) });
    expect(second.cluster).toBe('kept');
    await second.close();
    await rm(directory, { recursive: true });
    await expect(harness.agent({ member: hollow, identity: memoryKeeper() })).rejects.toBeInstanceOf(NotEnrolled);
    expect((await stat(join(harness.directory, 'authority.pem'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(harness.directory, 'authority.pem'), 'utf8')).toContain('PRIVATE KEY');
  });
});

describe('an identity that is kept', () => {
  it('gives way to a new token, and serves on for the one that it came from', async () => {
    const identity = memoryKeeper();
    const hollow = await harness.hollow('moved');
    const token = await harness.register('moved');
    await (await harness.agent({ member: hollow, token, identity })).close();
    const again = await harness.agent({ member: hollow, token, identity });
    expect(again.cluster, 'the used token is not tried again').toBe('moved');
    await again.close();
    const other = await harness.agent({ member: hollow, token: await harness.register('moved-on'), identity });
    expect(other.cluster).toBe('moved-on');
    await other.close();
  });

  it('speaks for no other member cluster', async () => {
    const identity = memoryKeeper();
    const [first, second] = [await harness.hollow('mine'), await harness.hollow('theirs')];
    await (await harness.agent({ member: first, token: await harness.register('mine'), identity })).close();
    const token = await harness.register('theirs');
    await expect(harness.agent({ member: second, token, identity })).rejects.toBeInstanceOf(WrongMember);
    await expect(harness.agent({ member: second, identity })).rejects.toThrow(/cluster "mine", which is another/);
    expect((await identity.load())?.cluster).toBe('mine');
  });

  it('ends its agent when it is revoked: only a new token helps', async () => {
    const hollow = await harness.hollow('fired');
    const agent = await harness.agent({ member: hollow, token: await harness.register('fired') });
    await harness.database.query(`UPDATE certificates SET revoked_at = clock_timestamp() WHERE cluster_id = 'fired'`);
    await expect(agent.done).rejects.toThrow(/"fired" was revoked: a new enrolment token is needed/);
    await agent.close();
  });
});

/** Certificates that must not be served, by why. */
const callers: Readonly<Record<string, () => Promise<ClientTls>>> = {
  'no certificate': async () => ({ authority: harness.hub().authorityCertificate }),
  'a certificate of another authority': async () => {
    const directory = await mkdtemp(join(tmpdir(), 'berth-foreign-'));
    const tls = await signedBy(directory, 'callers', Date.now());
    await rm(directory, { recursive: true });
    return tls;
  },
  'an expired certificate': () => signedBy(harness.directory, 'callers', Date.now() - 48 * 3_600_000),
  'a certificate that is not yet in force': () => signedBy(harness.directory, 'callers', Date.now() + 48 * 3_600_000),
  'a certificate of a cluster that is not registered': () => signedBy(harness.directory, 'nobody', Date.now()),
  'a revoked certificate': async () => {
    const identity = await enrolWith(harness, await harness.newToken('callers'));
    await harness.database.query(`UPDATE certificates SET revoked_at = clock_timestamp() WHERE cluster_id = 'callers'`);
    return { authority: identity.authority, certificate: identity.certificate, privateKey: identity.privateKey };
  },
};

async function signedBy(directory: string, cluster: string, now: number): Promise<ClientTls> {
  const ids = { secret: (bytes: number) => randomBytes(bytes) };
  const authority = await Authority.open({ directory, clock: clockAt(now), ids, lifetimeMs: 3_600_000 });
  const { privateKey, request } = await newKey();
  const { chain } = await authority.issueForAgent(request, cluster);
  return { authority: harness.hub().authorityCertificate, certificate: chain, privateKey };
}

describe('every method of the line', () => {
  beforeAll(async () => {
    await harness.register('callers');
  });
  const methods = [...line.AgentService.methods, ...line.EnrolmentService.methods];
  const guarded = methods.filter((method) => !getOption(method, wire.public$));

  it('is guarded, but for enrolment', () => {
    expect(methods.filter((method) => !guarded.includes(method)).map((method) => method.name)).toEqual(['Enrol']);
  });

  for (const method of guarded)
    for (const [who, tls] of Object.entries(callers))
      it(`${method.name} refuses ${who}`, async () => {
        const channel = openChannel({ address: harness.hub().address, tls: await tls() });
        const { connect, renewCertificate } = channel.client(line.AgentService);
        if (method.methodKind === 'unary') {
          const { request } = await newKey();
          expect(await reasonOf(renewCertificate({ certificateSigningRequest: request }))).toMatch(/^UNAUTHENTICATED /);
        } else {
          const stream = connect();
          setTimeout(() => stream.cancel(), 3_000).unref();
          expect((await stream.status).code).toBe('UNAUTHENTICATED');
        }
        channel.close();
        const [agent] = await harness.database.query<{ epoch: string }>(
          `SELECT epoch FROM cluster_agents WHERE cluster_id = 'callers'`,
        );
        expect(agent?.epoch).toBe('0');
      });

  it('serves the right caller on the same data', async () => {
    const identity = await enrolWith(harness, await harness.newToken('callers'));
    const { agent, welcome } = await RawAgent.connected(harness, identity);
    expect(welcome.epoch).toBe(1n);
    await agent.close();
    const { authority, certificate, privateKey } = identity;
    const client = createRpcClient(line.AgentService, {
      address: harness.hub().address,
      tls: { authority, certificate, privateKey },
    });
    const { request } = await newKey();
    const renewed = await client.rpc.renewCertificate({ certificateSigningRequest: request });
    expect(renewed.certificateChain).toContain('BEGIN CERTIFICATE');
    client.close();
  });
});

describe('a certificate', () => {
  it('is renewed at two thirds of its life, and the stream goes on', async () => {
    await harness.restartHub({ certificateLifetimeMs: 3_000 });
    const hollow = await harness.hollow('renewing');
    const identity = memoryKeeper();
    const agent = await harness.agent({ member: hollow, token: await harness.register('renewing'), identity });
    const first = (await identity.load())?.certificate;
    await eventually(
      () => identity.load(),
      (kept) => kept !== undefined && kept.certificate !== first,
    );
    const [row] = await harness.database.query<{ epoch: string }>(
      `SELECT epoch FROM cluster_agents WHERE cluster_id = 'renewing'`,
    );
    expect(row?.epoch).toBe('1');
    await agent.close();
    await harness.restartHub();
  });

  it('that is revoked ends its stream within seconds, and opens none any more', async () => {
    const identity = await enrolWith(harness, await harness.register('revoked'));
    const { agent } = await RawAgent.connected(harness, identity);
    await harness.database.query(`UPDATE certificates SET revoked_at = clock_timestamp() WHERE cluster_id = 'revoked'`);
    expect((await agent.hear('goodbye')).reason).toBe(line.GoodbyeReason.REVOKED);
    await agent.end();
    const again = RawAgent.connected(harness, identity);
    await expect(again).rejects.toThrow(/UNAUTHENTICATED/);
  });
});
