import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requestOf } from '#decision';
import { clockAt, type ManualClock, type PluginAnswer } from '#domain';
import { decide, defaultPolicy, type EnginePlugin, Snapshot, unpackRecord, withPlugins } from '#placement';
import { silentLogger } from '#platform';
import { PluginHost } from '#plugins';
import { placementStore } from '#store';
import { type Behaviour, type PluginServer, startPluginServer } from '../../libs/plugins/testing/plugin-server.js';
import { onServer } from '../../libs/plugins/testing/settings.js';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { aPlacer, type TestPlacer } from './placers.js';
import { component, Scenario, spec } from './scenario.js';

let database: TestDatabase;
let scenario: Scenario;
let server: PluginServer;
let clock: ManualClock;
let behave: Behaviour;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

beforeEach(async () => {
  await database.query('TRUNCATE tenants, clusters, outbox, feed, audit, decisions CASCADE');
  await database.query('TRUNCATE releases, works, reservations, tombstones, placements CASCADE');
  scenario = new Scenario(database);
  await scenario.tenancy();
  for (const cluster of ['east', 'north', 'south']) await scenario.cluster(cluster);
  server = await startPluginServer((request) => behave(request));
  clock = clockAt('2030-01-01T00:00:00Z');
  ends.push(() => server.close());
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A scheduler's deciding half with the server as its one plug-in. */
async function schedulerWith(engine: Partial<EnginePlugin>, name = 's1'): Promise<TestPlacer> {
  const settings = onServer(server.address, engine, { timeoutMs: 2_000 });
  const plugins = new PluginHost([settings], { log: silentLogger(), clock });
  ends.push(() => plugins.close());
  const tested = await aPlacer(database, name, 50, withPlugins(defaultPolicy, plugins.plugins), { plugins, clock });
  await tested.placer.refresh();
  return tested;
}

const scorer = { score: { weight: 100, onFailure: 10 } };
const filter = (onFailure: 'admit' | 'refuse'): Partial<EnginePlugin> => ({
  filter: { onFailure, wakeOn: ['cluster.relabelled'] },
});
const web = spec([component('web')], { maxClusters: 1 });

/** As it says of each cluster, by the order of their ids. */
const refuses =
  (...verdicts: number[]): Behaviour =>
  ({ groups }) => ({ version: '1', answers: groups.map(() => ({ reasons: ['not today'], verdicts })) });
const scores =
  (...points: number[]): Behaviour =>
  ({ groups }) => ({ version: '1', answers: groups.map(() => ({ scores: points })) });

async function placeOf(application: string): Promise<string | undefined> {
  const [row] = await database.query<{ cluster_id: string }>(
    'SELECT p.cluster_id FROM placements p JOIN applications a ON a.uid = p.application_uid WHERE a.id = $1',
    [application],
  );
  return row?.cluster_id;
}

async function answersFor(application: string): Promise<readonly PluginAnswer[]> {
  const [row] = await database.query<{ record: Buffer }>(
    `SELECT d.record FROM decisions d JOIN releases l ON l.tenant_id = d.tenant_id AND l.number = d.release_number
     WHERE l.application_id = $1 ORDER BY d.created_at DESC LIMIT 1`,
    [application],
  );
  return row === undefined ? [] : unpackRecord(row.record).groups.flatMap(({ plugins }) => plugins ?? []);
}

describe('a scheduler with a plug-in', () => {
  it('asks once for a whole batch, and goes by the answers', async () => {
    behave = ({ groups }) => ({
      version: '1',
      answers: groups.map(({ application }) => ({ scores: application === 'two' ? [0, 0, 900] : [0, 900, 0] })),
    });
    const { placer } = await schedulerWith(scorer);
    for (const name of ['one', 'two', 'three']) await scenario.apply(name, web);
    expect(await placer.round()).toMatchObject({ taken: 3, placed: 3 });
    expect([await placeOf('one'), await placeOf('two'), await placeOf('three')]).toEqual(['north', 'south', 'north']);
    expect(server.asked.map(({ groups, clusters }) => [groups.length, clusters.length])).toEqual([[3, 3]]);
    expect(server.asked[0]?.groups[0]).toMatchObject({ tenant: 'acme', project: 'shop', environment: 'production' });
    expect(await scenario.violations()).toEqual([]);
  });

  it('asks nobody when nothing waits', async () => {
    behave = scores(0, 0, 0);
    const { placer } = await schedulerWith(scorer);
    expect(await placer.round()).toMatchObject({ taken: 0 });
    expect(server.asked).toHaveLength(0);
  });

  it.each<[string, Behaviour, string]>([
    ['throws', () => Promise.reject(new Error('no prices')), 'answered INTERNAL: no prices'],
    ['gives a thousand million points', scores(1e9, 0, 0), 'gave east the score 1000000000; allowed are 0 to 1000'],
    ['answers for too few clusters', scores(5), 'gave 1 scores for 3 clusters'],
    ['hangs', () => new Promise(() => undefined), 'timeout after 2000 ms'],
  ])('decides by the default when it %s, and the record says so', async (_, does, failure) => {
    behave = does;
    const { placer } = await schedulerWith(scorer);
    await scenario.apply('shop', web);
    expect(await placer.round()).toMatchObject({ placed: 1 });
    expect(await answersFor('shop')).toMatchObject([{ plugin: 'tried', failure, scores: [10, 10, 10] }]);
    behave = scores(0, 0, 700);
    await scenario.apply('next', web);
    expect(await placer.round()).toMatchObject({ placed: 1 });
    expect(await placeOf('next')).toBe('south');
  });

  it('keeps waiting what it refuses everywhere, and asks again after its time alone', async () => {
    behave = refuses(1, 1, 1);
    const { placer } = await schedulerWith(filter('admit'));
    await scenario.apply('shop', web);
    expect(await placer.round()).toMatchObject({ placed: 0, refused: 1 });
    const [release] = await database.query<{ refusals: object[]; wake_on: string[] }>(
      'SELECT refusals, wake_on FROM releases',
    );
    expect(release).toMatchObject({
      refusals: [{ reason: 'PluginRefused', message: 'no cluster fits 1 × web: 3 are refused by tried: not today' }],
      wake_on: ['cluster.ready', 'cluster.relabelled', 'plugin.answers'],
    });
    behave = refuses(1, 0, 1);
    clock.advance(29_000);
    await placer.refresh();
    expect(await placer.round()).toMatchObject({ taken: 0 });
    clock.advance(1_000);
    await placer.refresh();
    expect(await placer.round()).toMatchObject({ taken: 1, placed: 1 });
    expect(await placeOf('shop')).toBe('north');
    expect(server.asked).toHaveLength(2);
  });

  it('wakes what it refused when the fleet changes as was declared', async () => {
    behave = refuses(1, 1, 1);
    const { placer } = await schedulerWith(filter('admit'));
    await scenario.apply('shop', web);
    expect(await placer.round()).toMatchObject({ refused: 1 });
    behave = ({ clusters }) => ({
      version: '1',
      answers: [{ reasons: ['not today'], verdicts: clusters.map(({ labels }) => (labels.open === 'yes' ? 0 : 1)) }],
    });
    await database.query(`UPDATE clusters SET labels = '{"open": "yes"}', version = version + 1 WHERE id = 'south'`);
    placer.touch('south');
    await placer.refresh();
    expect(await placer.round()).toMatchObject({ placed: 1 });
    expect(await placeOf('shop')).toBe('south');
  });

  it('whose failure refuses places as soon as it answers again', async () => {
    behave = () => Promise.reject(new Error('the calendar is lost'));
    const { placer } = await schedulerWith(filter('refuse'));
    await scenario.apply('shop', web);
    expect(await placer.round()).toMatchObject({ refused: 1 });
    expect(await scenario.phases()).toEqual({ shop: 'refused' });
    behave = refuses(0, 0, 0);
    clock.advance(30_000);
    await placer.refresh();
    expect(await placer.round()).toMatchObject({ placed: 1 });
  });

  it('keeps what is wrong with one release to that one', async () => {
    behave = scores(0, 0, 0);
    const { placer } = await schedulerWith(scorer);
    for (const name of ['one', 'broken', 'two']) await scenario.apply(name, web);
    await database.query(
      `UPDATE revisions SET spec = '{"components": 7}' WHERE application_uid = (SELECT uid FROM applications WHERE id = 'broken')`,
    );
    expect(await placer.round()).toMatchObject({ taken: 3, placed: 2, refused: 1 });
    expect(await scenario.phases()).toEqual({ one: 'placed', two: 'placed', broken: 'refused' });
  });

  it.each<[string, Behaviour]>([
    ['that counted', scores(3, 700, 20)],
    ['that failed', scores(3, 7000, 20)],
  ])(
    'stores answers with its decision, which replays bit for bit whatever would be said by now: %s',
    async (_, does) => {
      behave = does;
      const { placer, store } = await schedulerWith(scorer);
      await scenario.apply('shop', spec([component('web', { replicas: 3 }), component('db')], { maxClusters: 2 }));
      const replayed = new Snapshot();
      for (const state of [...placer.picture.states.values()].reverse()) replayed.upsert(state);
      const [release] = await placementStore.readWaiting(
        (sql, parameters) => store.unitOfWork.read({ kind: 'system', actor: 'test' }, sql, parameters),
        1,
        's1',
      );
      if (release === undefined) throw new Error('nothing waits');
      expect(await placer.round()).toMatchObject({ placed: 1 });
      const [stored] = await database.query<{ record: Buffer }>('SELECT record FROM decisions');
      const { groups } = unpackRecord(stored?.record ?? Buffer.alloc(0));
      const external = groups.map(({ clusters, plugins = [] }) => ({
        clusters: clusters.map(({ cluster }) => cluster),
        answers: plugins,
      }));
      behave = scores(1000, 0, 1000);
      const policy = withPlugins(defaultPolicy, [{ name: 'tried', version: '', ...scorer }]);
      const again = decide(requestOf(release, placer.picture.schemas, external), replayed, policy);
      expect(Buffer.from(again.packed).equals(stored?.record ?? Buffer.alloc(0))).toBe(true);
      const unasked = decide(requestOf(release, placer.picture.schemas), replayed, policy);
      expect(Buffer.from(unasked.packed).equals(stored?.record ?? Buffer.alloc(0))).toBe(false);
    },
  );

  it('asks again at its start about what was refused before', async () => {
    behave = refuses(1, 1, 1);
    const first = await schedulerWith(filter('admit'));
    await scenario.apply('shop', web);
    expect(await first.placer.round()).toMatchObject({ refused: 1 });
    behave = refuses(0, 0, 0);
    const second = await schedulerWith(filter('admit'), 's2');
    expect(await second.placer.round()).toMatchObject({ placed: 1 });
  });
});
