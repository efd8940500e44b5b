import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type Message } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { line } from '#contract';
import { systemClock } from '#domain';
import { connectCluster, kubeMember } from '#kube';
import { silentLogger } from '#platform';
import { newKey } from '../../apps/agent/identity/identity.js';
import { memoryKeeper, type RunningAgent, startAgent } from '../../apps/agent/index.js';
import { Authority } from '../../apps/hub/authority/authority.js';
import { configMap, eventually, type LineHarness, namespace, startLineHarness } from '../line/harness.js';
import { enrolWith, RawAgent } from '../line/raw-agent.js';
import { PreviousHub } from './previous-hub.js';
import { previousAgentService } from './previous-line.js';

const previous = previousAgentService();
let harness: LineHarness;
beforeAll(async () => {
  harness = await startLineHarness();
});
afterAll(() => harness.close());

/** As a message of a later version looks to this one: a field of a number that nobody has yet. */
function withUnknownField<M extends Message>(message: M): M {
  message.$unknown = [{ no: 900, wireType: 2, data: Uint8Array.from([3, 1, 2, 3]) }];
  return message;
}
const workId = () => randomUUID();

it('has a former line to speak that lacks what has come since', () => {
  const fieldsOf = (service: typeof line.AgentService) => service.method.connect.output.fields.map(({ name }) => name);
  expect(fieldsOf(previous)).not.toContain('tunnel_open');
  expect(fieldsOf(line.AgentService)).toContain('tunnel_open');
});

describe('an agent of before, at the present hub', () => {
  it('holds its line: works come without what it does not know, its reports and heartbeats are stored', async () => {
    const identity = await enrolWith(harness, await harness.register('before'));
    const { agent, welcome } = await RawAgent.connected(harness, identity, { agentVersion: '0.0.9' }, previous);
    expect(welcome).toMatchObject({ epoch: 1n, fromBeginning: true });
    const policy = { drift: 'report' } as const;
    const { id } = await harness.putWork({
      ...{ cluster: 'before', component: 'c', policy },
      manifests: () => [configMap('c', {})],
    });
    const batch = await agent.hear('workBatch');
    const [item] = batch.items;
    expect(item?.item).toMatchObject({ case: 'work', value: { id, namespace } });
    expect(item?.item.value, 'it knows no policy').not.toHaveProperty('policy');
    const status = { workId: id, generation: 1n, phase: line.WorkPhase.READY, desired: 1, ready: 1 };
    await agent.say({ case: 'statusReport', value: { sequence: 1n, bracket: line.Bracket.WHOLE, works: [status] } });
    expect((await agent.hear('statusAck')).sequence).toBe(1n);
    const allocatable = { mcpu: 1000n, memoryBytes: 1n, pods: 10n };
    await agent.say({ case: 'heartbeat', value: { inventory: { nodes: 1, readyNodes: 1, allocatable } } });
    await eventually(
      () =>
        harness.database.query(
          `SELECT FROM clusters c JOIN cluster_agents a ON a.cluster_id = c.id WHERE c.id = 'before' AND c.phase = 'ready'
             AND a.agent_version = '0.0.9'`,
        ),
      (rows) => rows.length === 1,
    );
    expect(agent.ended).toBeUndefined();
    await agent.close();
  });

  it('is never sent a tombstone that lets go: it would take it for an order to delete', async () => {
    const identity = await enrolWith(harness, await harness.register('deleting'));
    const { agent } = await RawAgent.connected(harness, identity, {}, previous);
    const { id } = await harness.putWork({ cluster: 'deleting', component: 'c', manifests: () => [] });
    const object = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'theirs' };
    const order = { cluster: 'deleting', workId: id, object };
    const letGo = await harness.putTombstone({ ...order, uid: 'u1', mode: 'let-go' });
    const deleted = await harness.putTombstone({ ...order, uid: 'u2' });
    const heard: string[] = [];
    while (!heard.includes(deleted))
      for (const { item } of (await agent.hear('workBatch')).items)
        if (item.case === 'tombstone') heard.push(item.value.id);
    expect(heard).toEqual([deleted]);
    await agent.close();
    const { agent: upgraded } = await RawAgent.connected(harness, identity, { letsGo: true });
    const again: string[] = [];
    while (!again.includes(deleted))
      for (const { item } of (await upgraded.hear('workBatch')).items)
        if (item.case === 'tombstone') again.push(item.value.id);
    expect(again, 'once it is upgraded').toEqual([letGo, deleted]);
    await upgraded.close();
  });
});

describe('an agent of later, at the present hub', () => {
  it('may say what the hub does not know, and is heard on', async () => {
    const identity = await enrolWith(harness, await harness.register('later'));
    const { agent } = await RawAgent.connected(harness, identity);
    const { id } = await harness.putWork({ cluster: 'later', component: 'c', manifests: () => [configMap('c', {})] });
    const unknown = () => withUnknownField(create(line.ConnectRequestSchema));
    await agent.sayRaw(unknown());
    await agent.sayRaw(unknown());
    const work = withUnknownField(
      create(line.WorkStatusSchema, { workId: id, generation: 1n, phase: 77 as line.WorkPhase }),
    );
    const tombstone = create(line.TombstoneReportSchema, {
      tombstoneId: workId(),
      outcome: 77 as line.TombstoneOutcome,
    });
    const report = { sequence: 1n, bracket: line.Bracket.DELTA, works: [work], tombstones: [tombstone] };
    await agent.say({ case: 'statusReport', value: withUnknownField(create(line.StatusReportSchema, report)) });
    expect((await agent.hear('statusAck')).sequence).toBe(1n);
    const rows = await harness.database.query(`SELECT phase FROM work_status WHERE work_id = $1`, [id]);
    expect(rows, 'a phase that is not known is never ready').toEqual([{ phase: 'applying' }]);
    expect(agent.ended).toBeUndefined();
    await agent.close();
  });
});

describe('the present agent', () => {
  let directory: string;
  let authority: Authority;
  const closing: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'berth-skew-'));
    const ids = { secret: (bytes: number) => randomBytes(bytes) };
    authority = await Authority.open({ directory, clock: systemClock, ids, lifetimeMs: 86_400_000 });
  });
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
    await rm(directory, { recursive: true });
  });

  async function meet(service: typeof line.AgentService, cluster: string) {
    const hub = new PreviousHub(service);
    closing.push(async () => hub.close());
    const port = await hub.listen((await authority.issueForServer(['127.0.0.1'])).tls);
    const hollow = await harness.hollow(cluster);
    const { privateKey, request } = await newKey();
    const { chain: certificate } = await authority.issueForAgent(request, cluster);
    const agent: RunningAgent = await startAgent({
      hub: `127.0.0.1:${port}`,
      identity: memoryKeeper({ privateKey, certificate, authority: authority.certificate, cluster }),
      member: kubeMember(
        await connectCluster(
          { kind: 'token', url: hollow.url, token: hollow.token },
          { userAgent: 'berth-agent/test' },
        ),
      ),
      log: silentLogger(),
    });
    closing.push(() => agent.close());
    await eventually(
      async () => hub.all('hello'),
      (hellos) => hellos.length === 1,
    );
    return { hub, agent };
  }

  const workOf = (id: string) => ({
    id,
    sequence: 1n,
    generation: { incarnation: 'i', sequence: 1n },
    namespace,
    manifests: [new TextEncoder().encode(JSON.stringify(configMap('kept', { a: '1' })))],
  });
  const welcome = {
    incarnation: 'i',
    epoch: 1n,
    headSequence: 1n,
    fromBeginning: true,
    heartbeatInterval: { seconds: 0n, nanos: 300_000_000 },
  };
  const reported = (hub: PreviousHub, id: string) =>
    hub
      .all('statusReport')
      .flatMap(({ works }) => works)
      .findLast((work) => work.workId === id);

  it('applies, reports and deletes at a hub of before, which finds its messages whole', async () => {
    const { hub } = await meet(previous, 'present');
    const id = workId();
    hub.say({ message: { case: 'welcome', value: welcome } });
    hub.say({
      message: {
        case: 'workBatch',
        value: { items: [{ item: { case: 'work', value: workOf(id) } }], upTo: { incarnation: 'i', sequence: 1n } },
      },
    });
    const work = await eventually(
      async () => reported(hub, id),
      (found) => found?.phase === line.WorkPhase.READY,
    );
    expect(work).toMatchObject({ generation: 1n });
    const uid = work?.objects.find(({ kind }) => kind === 'ConfigMap')?.uid ?? '';
    expect(uid).not.toBe('');
    const inventories = await eventually(
      async () => hub.all('heartbeat').flatMap(({ inventory }) => inventory ?? []),
      (found) => found.length > 0,
    );
    expect(inventories[0]).toMatchObject({ nodes: 2, readyNodes: 2 });
    for (const { sequence } of hub.all('statusReport'))
      hub.say({ message: { case: 'statusAck', value: { sequence } } });
    const tombstone = {
      id: workId(),
      sequence: 3n,
      generation: { incarnation: 'i', sequence: 2n },
      apiVersion: 'v1',
      kind: 'ConfigMap',
      namespace,
      name: 'kept',
      uid,
    };
    const emptied = { ...workOf(id), sequence: 2n, generation: { incarnation: 'i', sequence: 2n }, manifests: [] };
    const items = [
      { item: { case: 'work' as const, value: emptied } },
      { item: { case: 'tombstone' as const, value: tombstone } },
    ];
    hub.say({ message: { case: 'workBatch', value: { items, upTo: { incarnation: 'i', sequence: 3n } } } });
    const outcomes = await eventually(
      async () => hub.all('statusReport').flatMap(({ tombstones }) => tombstones),
      (found) => found.length > 0,
    );
    expect(outcomes[0]).toMatchObject({ tombstoneId: tombstone.id, outcome: line.TombstoneOutcome.DELETED });
    expect(hub.streams, 'one stream all the time').toBe(1);
  });

  it('lets pass what only a hub of later says, and deletes nothing for a tombstone that it does not understand', async () => {
    const { hub } = await meet(line.AgentService, 'present-later');
    const id = workId();
    hub.say({ message: { case: 'welcome', value: withUnknownField(create(line.WelcomeSchema, welcome)) } });
    hub.say(withUnknownField(create(line.ConnectResponseSchema)));
    const upTo = { incarnation: 'i', sequence: 1n };
    const work = withUnknownField(create(line.WorkSchema, workOf(id)));
    hub.say({ message: { case: 'workBatch', value: { items: [{ item: { case: 'work', value: work } }], upTo } } });
    const before = await eventually(
      async () => reported(hub, id),
      (found) => found?.phase === line.WorkPhase.READY,
    );
    const uid = before?.objects.find(({ kind }) => kind === 'ConfigMap')?.uid ?? '';
    const odd = create(line.TombstoneSchema, {
      id: workId(),
      sequence: 2n,
      generation: upTo,
      apiVersion: 'v1',
      kind: 'ConfigMap',
      namespace,
      name: 'kept',
      uid,
      mode: 77 as line.TombstoneMode,
    });
    const second = workId();
    const next = {
      ...workOf(second),
      sequence: 4n,
      manifests: [new TextEncoder().encode(JSON.stringify(configMap('next', {})))],
    };
    const items = [
      { item: { case: 'tombstone' as const, value: odd } },
      withUnknownField(create(line.WorkItemSchema)),
      { item: { case: 'work' as const, value: next } },
    ];
    hub.say({ message: { case: 'workBatch', value: { items, upTo: { incarnation: 'i', sequence: 4n } } } });
    await eventually(
      async () => reported(hub, second),
      (found) => found?.phase === line.WorkPhase.READY,
    );
    const after = reported(hub, id);
    expect(after?.objects.find(({ kind }) => kind === 'ConfigMap')?.uid).toBe(uid);
    expect(hub.all('statusReport').flatMap(({ tombstones }) => tombstones)).toEqual([]);
    expect(hub.streams).toBe(1);
  });
});
