import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { line } from '#contract';
import { createRpcClient, frameOf, openChannel } from '#platform';
import { tlsOf } from '../../apps/agent/identity/enrolment.js';
import type { AgentIdentity } from '../../apps/agent/identity/identity.js';
import { refusalOf } from '../gateway/harness.js';
import { eventually, type LineHarness, startLineHarness } from '../line/harness.js';
import { enrolWith, RawAgent } from '../line/raw-agent.js';

let harness: LineHarness;
const identities = new Map<string, AgentIdentity>();
beforeAll(async () => {
  harness = await startLineHarness({ attachWithinMs: 400 });
  await harness.database.query(`INSERT INTO tenants (id) VALUES ('acme')`);
  for (const cluster of ['north', 'south'])
    identities.set(cluster, await enrolWith(harness, await harness.register(cluster)));
});
afterAll(() => harness.close());

const identityOf = (cluster: string): AgentIdentity => {
  const identity = identities.get(cluster);
  if (identity === undefined) throw new Error('not enrolled');
  return identity;
};

/** A ticket as a gateway makes it. */
async function ticketFor(cluster: string, expiresInMs = 30_000): Promise<string> {
  const id = randomUUID();
  const secret = randomBytes(32).toString('base64url');
  await harness.database.query(
    `INSERT INTO tunnels (id, tenant_id, actor, secret_hash, cluster_id, tunnel_order, expires_at)
     VALUES ($1, 'acme', 'test', $2, $3, '{"workId":"w","logs":{"follow":true}}', clock_timestamp() + $4 * interval '1 ms')`,
    [id, createHash('sha256').update(secret).digest(), cluster, expiresInMs],
  );
  return `tunnel_${id}_${secret}`;
}

/** A gateway's end, without a client certificate. */
function relay(ticket: string) {
  const channel = openChannel({
    address: harness.hub().address,
    tls: { authority: harness.hub().authorityCertificate },
    ownConnection: true,
  });
  const stream = channel.client(line.TunnelService).relay();
  const opened = stream.write({ message: { case: 'ticket', value: ticket } });
  void opened.catch(() => undefined); // `ended` tells
  const frames = stream.messages[Symbol.asyncIterator]();
  const next = async () => (await frames.next()).value?.frame?.frame;
  const ended = async () => {
    while ((await frames.next()).done !== true);
  };
  return { stream, next, ended, close: () => channel.close() };
}

function attach(cluster: string, tunnel: string) {
  const tls = tlsOf(identityOf(cluster));
  const client = createRpcClient(line.TunnelService, { address: harness.hub().address, tls, ownConnection: true });
  const stream = client.rpc.attach();
  void stream.write({ message: { case: 'tunnel', value: tunnel } }).catch(() => undefined); // the messages tell
  const frames = stream.messages[Symbol.asyncIterator]();
  return { stream, frames, close: () => client.close() };
}

const connected = (cluster: string) => RawAgent.connected(harness, identityOf(cluster));
const isOpen = async (cluster: string) =>
  eventually(
    () =>
      harness.database.query<{ connected: boolean; hub_address: string }>(
        'SELECT connected, hub_address FROM cluster_agents WHERE cluster_id = $1',
        [cluster],
      ),
    ([row]) => row?.connected === true,
  );

describe('a ticket', () => {
  it('opens one tunnel, once, to the agent of its cluster, and frames pass both ways', async () => {
    const { agent } = await connected('north');
    const [row] = await isOpen('north');
    expect(row?.hub_address).toBe(harness.hub().address);
    const ticket = await ticketFor('north');
    const gateway = relay(ticket);
    const { tunnel, order } = await agent.hear('tunnelOpen');
    expect(order).toMatchObject({ workId: 'w', kind: { case: 'logs', value: { follow: true } } });
    const end = attach('north', tunnel);
    await end.stream.write({ message: { case: 'frame', value: frameOf({ case: 'reached', value: { pod: 'p' } }) } });
    expect(await gateway.next()).toMatchObject({ case: 'reached', value: { pod: 'p' } });
    await gateway.stream.write({ message: { case: 'frame', value: frameOf({ case: 'credit', value: 7 }) } });
    expect((await end.frames.next()).value?.frame?.frame).toMatchObject({ case: 'credit', value: 7 });

    const again = relay(ticket);
    expect(await refusalOf(again.ended())).toMatchObject({ code: 'UNAUTHENTICATED' });
    gateway.stream.cancel();
    expect((await end.frames.next()).done).toBe(true);
    for (const each of [gateway, again, end, agent]) await each.close();
  });

  it('is refused when it is late, made up, or missing', async () => {
    const late = await ticketFor('north', -1);
    const real = await ticketFor('north');
    const forged = `${real.slice(0, -4)}AAAA`;
    for (const ticket of [late, forged, 'nonsense', '']) {
      const gateway = relay(ticket);
      expect(await refusalOf(gateway.ended()), ticket).toMatchObject({
        code: 'UNAUTHENTICATED',
        details: { errorInfo: { reason: 'TICKET_INVALID' } },
      });
      gateway.close();
    }
  });

  it('for a cluster whose agent is not connected answers UNAVAILABLE and names it', async () => {
    const gateway = relay(await ticketFor('south'));
    expect(await refusalOf(gateway.ended())).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('"south"'),
      details: { errorInfo: { reason: 'AGENT_NOT_CONNECTED' } },
    });
    gateway.close();
  });
});

describe('an agent', () => {
  it('that does not know tunnels is told to be too old, and its line goes on', async () => {
    const { agent } = await connected('north');
    await isOpen('north');
    const gateway = relay(await ticketFor('north'));
    expect(await refusalOf(gateway.ended())).toMatchObject({
      code: 'UNIMPLEMENTED',
      details: { errorInfo: { reason: 'AGENT_TOO_OLD' } },
    });
    expect(agent.ended).toBeUndefined();
    gateway.close();
    await agent.close();
  });

  it('gets at no tunnel of another cluster, nor at one that has its agent', async () => {
    const { agent } = await connected('north');
    await isOpen('north');
    const gateway = relay(await ticketFor('north'));
    const { tunnel } = await agent.hear('tunnelOpen');
    const foreign = attach('south', tunnel);
    expect(await refusalOf(foreign.frames.next())).toMatchObject({ code: 'NOT_FOUND' });
    const own = attach('north', tunnel);
    await own.stream.write({ message: { case: 'frame', value: frameOf({ case: 'end', value: {} }) } });
    expect(await gateway.next()).toMatchObject({ case: 'end' });
    const second = attach('north', tunnel);
    expect(await refusalOf(second.frames.next())).toMatchObject({ code: 'NOT_FOUND' });
    for (const each of [gateway, foreign, own, second, agent]) await each.close();
  });

  it('that loses its line loses its tunnels', async () => {
    const { agent } = await connected('north');
    await isOpen('north');
    const gateway = relay(await ticketFor('north'));
    const { tunnel } = await agent.hear('tunnelOpen');
    const end = attach('north', tunnel);
    await end.stream.write({ message: { case: 'frame', value: frameOf({ case: 'reached', value: {} }) } });
    await gateway.next();
    await agent.close();
    expect(await refusalOf(gateway.ended())).toMatchObject({
      code: 'UNAVAILABLE',
      details: { errorInfo: { reason: 'AGENT_NOT_CONNECTED' } },
    });
    for (const each of [gateway, end]) each.close();
  });

  it('that sends beyond its window is cut off', async () => {
    const { agent } = await connected('north');
    await isOpen('north');
    const gateway = relay(await ticketFor('north'));
    const { tunnel } = await agent.hear('tunnelOpen');
    const end = attach('north', tunnel);
    const data = create(line.TunnelDataSchema, { bytes: Buffer.alloc(60_000) });
    await end.stream.write({ message: { case: 'frame', value: frameOf({ case: 'reached', value: {} }) } });
    await gateway.next();
    let isCut = false;
    const flooding = (async () => {
      while (!isCut)
        await end.stream.write({ message: { case: 'frame', value: frameOf({ case: 'data', value: data }) } });
    })();
    void flooding.catch(() => undefined); // it is cut
    // the gateway takes nothing more, so that all of it waits in the hub
    expect((await end.frames.next()).done).toBe(true);
    isCut = true;
    expect(agent.ended).toBeUndefined();
    for (const each of [gateway, end, agent]) await each.close();
  });
});
