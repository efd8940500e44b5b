import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { aPlacer, aReaper, aSweeper } from './placers.js';
import { component, Scenario, spec } from './scenario.js';

let database: TestDatabase;
let scenario: Scenario;

beforeEach(async () => {
  database = await startTestDatabase();
  scenario = new Scenario(database);
  await scenario.tenancy();
  await scenario.cluster('north');
});
afterEach(() => database.close());

async function place(
  name: string,
  content = spec([component('web', { replicas: 4 }), component('api')]),
): Promise<void> {
  await scenario.apply(name, content);
  const { placer } = await aPlacer(database, `for ${name} ${Math.random()}`);
  await placer.refresh();
  // Placers from before are still connected, and a round may leave them their part.
  while ((await placer.round()).taken > 0);
}

const counts = async () => {
  const [row] =
    await database.query(`SELECT (SELECT count(*)::int FROM works) AS works, (SELECT count(*)::int FROM reservations) AS reservations,
    (SELECT count(*)::int FROM work_objects) AS objects, (SELECT reserved_mcpu::int FROM cluster_capacity WHERE cluster_id = 'north') AS mcpu,
    (SELECT used_mcpu::int FROM projects) AS used, (SELECT count(*)::int FROM applications) AS applications`);
  return row;
};

describe('removing', () => {
  it('takes a deleted application away object by object, and ends it only when its cluster has confirmed all', async () => {
    await place('front');
    await scenario.report();
    await scenario.remove('front');
    const reaper = await aReaper(database, 'r1');
    await reaper.round();
    expect(await database.query('SELECT wanted, generation::int FROM works')).toEqual([
      { wanted: false, generation: 2 },
      { wanted: false, generation: 2 },
    ]);
    // The agent has not seen the drop: what it listed before orders nothing.
    await reaper.round();
    expect(await database.query('SELECT * FROM tombstones')).toEqual([]);
    await scenario.report({ obey: false });
    await reaper.round();
    const stones = await database.query<{
      kind: string;
      name: string;
      sequence: number;
      generation: number;
      uid: string;
    }>('SELECT kind, name, sequence::int, generation::int, uid FROM tombstones ORDER BY sequence');
    expect(stones.map(({ kind, name }) => `${kind}/${name}`).sort()).toEqual(['Deployment/api', 'Deployment/web']);
    expect(stones.map(({ sequence }) => sequence)).toEqual([5, 6]);
    expect(stones.every(({ generation, uid }) => generation === 2 && uid.length === 32)).toBe(true);
    await reaper.round();
    expect(await counts()).toMatchObject({ works: 2, reservations: 2, mcpu: 2500, used: 2500 });
    for (let round = 0; round < 4; round++) {
      await scenario.report();
      await reaper.round();
    }
    expect(await database.query(`SELECT kind FROM tombstones WHERE kind = 'Namespace'`)).toHaveLength(1);
    expect(await counts()).toEqual({ works: 0, reservations: 0, objects: 0, mcpu: 0, used: 0, applications: 0 });
    expect(await scenario.phases()).toEqual({ front: 'removed' });
    expect(
      await database.query('SELECT done, completed_steps::int AS completed, total_steps::int AS total FROM operations'),
    ).toEqual([{ done: true, completed: 2, total: 2 }]);
    expect(await scenario.violations()).toEqual([]);
  });

  it('leaves the namespace while another application of the environment is in it', async () => {
    await place('front');
    await place('other', spec([component('db')]));
    await scenario.report();
    await scenario.remove('front');
    const reaper = await aReaper(database, 'r1');
    for (let round = 0; round < 5; round++) {
      await reaper.round();
      await scenario.report();
    }
    await reaper.round();
    expect(await database.query(`SELECT kind FROM tombstones WHERE kind = 'Namespace'`)).toEqual([]);
    expect(await database.query('SELECT component FROM works')).toEqual([{ component: 'db' }]);
    expect(await scenario.phases()).toEqual({ front: 'removed', other: 'placed' });
  });

  it('buries a namespace again that another application wanted before its first burial was answered', async () => {
    const stones = () =>
      database.query<{ work_id: string; generation: number; confirmed: boolean }>(
        `SELECT work_id, generation::int, confirmed_at IS NOT NULL AS confirmed FROM tombstones WHERE kind = 'Namespace' ORDER BY sequence`,
      );
    await place('front', spec([component('web')]));
    await scenario.report();
    await scenario.remove('front');
    const reaper = await aReaper(database, 'r1');
    await reaper.round();
    for (let round = 0; round < 5 && (await stones()).length === 0; round++) {
      await scenario.report();
      await reaper.round();
    }
    const [first] = await stones();
    expect(first).toMatchObject({ generation: 2, confirmed: false });
    await place('other', spec([component('db')]));
    await database.query(
      `UPDATE tombstones SET confirmed_at = clock_timestamp(), outcome = 'replaced' WHERE kind = 'Namespace'`,
    );
    await scenario.report();
    await scenario.remove('other');
    for (let round = 0; round < 5 && (await stones()).length < 2; round++) {
      await reaper.round();
      await scenario.report();
    }
    const [, second] = await stones();
    expect(second?.generation).toBe(2);
    expect(second?.work_id).not.toBe(first?.work_id);
  });

  it('says what was left where a namespace holds something of others', async () => {
    await place('front', spec([component('web')]));
    await scenario.report();
    await scenario.remove('front');
    const reaper = await aReaper(database, 'r1');
    for (let round = 0; round < 5; round++) {
      await reaper.round();
      await database.query(
        `UPDATE tombstones SET confirmed_at = clock_timestamp(), outcome = 'foreign-left', message = 'left in the namespace: ConfigMap mine'
         WHERE kind = 'Namespace' AND confirmed_at IS NULL`,
      );
      await scenario.report();
    }
    await reaper.round();
    expect(await database.query('SELECT done, message FROM operations')).toEqual([
      {
        done: true,
        message: 'everything of the application is confirmed gone; in north left in the namespace: ConfigMap mine',
      },
    ]);
  });

  it('keeps the reservation of pods that are still there', async () => {
    await place('front', spec([component('web', { replicas: 4 })]));
    await scenario.report();
    await scenario.remove('front');
    const reaper = await aReaper(database, 'r1');
    for (let round = 0; round < 4; round++) {
      await reaper.round();
      await scenario.report({ linger: 2 });
    }
    await reaper.round();
    expect(await counts()).toMatchObject({ works: 1, objects: 0, mcpu: 2000, used: 2000 });
    await scenario.report();
    await reaper.round();
    expect(await counts()).toMatchObject({ works: 0, mcpu: 0, used: 0 });
  });

  it('frees the room of pods that were handed back only once the stored inventory counts them as foreign', async () => {
    await place('front', spec([component('web', { replicas: 4 })]));
    await scenario.report();
    await scenario.remove('front');
    const reaper = await aReaper(database, 'r1');
    const reflects = (upTo: string, except: string) =>
      database.query(`UPDATE cluster_capacity SET reflected_work_sequence = ${upTo}, unreflected_works = ${except}`);
    const ownId = '(SELECT jsonb_object_agg(id, 1) FROM works)';
    const rounds = async () => {
      for (let round = 0; round < 5; round++) {
        await scenario.report();
        await database.query(
          `UPDATE work_status SET reasons = '[{"reason": "PodsHandedBack", "message": "", "count": 4}]'`,
        );
        await reaper.round();
      }
      return (await counts())?.reservations;
    };
    await reflects('0', `'{}'`);
    expect(await rounds()).toBe(1);
    await reflects('work_sequence', ownId);
    expect(await rounds()).toBe(1);
    await reflects('work_sequence', `'{}'`);
    expect(await rounds()).toBe(0);
    expect(await scenario.phases()).toEqual({ front: 'removed' });
  });

  it('frees what shrank only after its agent has reported the smaller generation', async () => {
    await place('front', spec([component('web', { replicas: 4 })]));
    await scenario.report();
    await place('front', spec([component('web', { replicas: 1 })]));
    const reaper = await aReaper(database, 'r1');
    await reaper.round();
    expect(await database.query('SELECT state, replicas, mcpu::int FROM reservations ORDER BY state')).toEqual([
      { state: 'held', replicas: 1, mcpu: 500 },
      { state: 'releasing', replicas: 3, mcpu: 1500 },
    ]);
    await scenario.report({ ready: false });
    await reaper.round();
    expect(await counts()).toMatchObject({ reservations: 2, mcpu: 2000 });
    await scenario.report({ linger: 1 });
    await reaper.round();
    expect(await counts(), 'a pod is still on its way out').toMatchObject({ reservations: 2, mcpu: 2000 });
    await scenario.report();
    await reaper.round();
    expect(await counts()).toMatchObject({ reservations: 1, mcpu: 500, used: 500 });
    expect(await scenario.violations()).toEqual([]);
  });

  it('deletes an object that a new release leaves out, and no other', async () => {
    await place('front', spec([component('web', { servicePorts: [{ port: 80 }] })]));
    await scenario.report();
    await place('front', spec([component('web')]));
    const reaper = await aReaper(database, 'r1');
    await scenario.report({ obey: false });
    await reaper.round();
    expect(await database.query('SELECT kind, name FROM tombstones')).toEqual([{ kind: 'Service', name: 'web' }]);
    await scenario.report();
    await reaper.round();
    expect(await database.query('SELECT kind FROM work_objects ORDER BY kind')).toEqual([
      { kind: 'Deployment' },
      { kind: 'Namespace' },
    ]);
  });

  it('orders one deletion for one object, with four schedulers at once', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      await place(name, spec([component(`web-${name}`, { replicas: 2 }), component(`api-${name}`)]));
    await scenario.report();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await scenario.remove(name);
    const reapers = await Promise.all(['r1', 'r2', 'r3', 'r4'].map((name) => aReaper(database, name)));
    for (let round = 0; round < 8; round++) {
      await Promise.all(reapers.map((reaper) => reaper.round()));
      expect(await scenario.violations()).toEqual([]);
      await scenario.report({ obey: round % 2 === 1 });
    }
    for (let round = 0; round < 3; round++) await Promise.all(reapers.map((reaper) => reaper.round()));
    expect(await counts()).toEqual({ works: 0, reservations: 0, objects: 0, mcpu: 0, used: 0, applications: 0 });
    const [stones] = await database.query(
      'SELECT count(*)::int AS count, count(DISTINCT (kind, namespace, name))::int AS objects FROM tombstones',
    );
    expect(stones).toEqual({ count: 11, objects: 11 });
  });
});

describe('what is overdue', () => {
  it('is listed, named in the log and given a new deadline; a refused release is tried again', async () => {
    await scenario.apply('lost', spec([component('web')]));
    await scenario.apply('huge', spec([component('web', { mcpu: 99_000 })]));
    await database.query(`UPDATE releases SET phase = 'refused' WHERE application_id = 'huge'`);
    await place('front');
    await database.query(`UPDATE releases SET phase = 'waiting' WHERE application_id = 'lost'`);
    await database.query(`UPDATE releases SET deadline = clock_timestamp() - interval '1 second'`);
    const lines: { msg?: string; release?: string }[] = [];
    const sweeper = await aSweeper(database, 's1', lines);
    const late = await sweeper.overdue();
    expect(late.map((each) => (each.kind === 'release' ? each.phase : each.kind)).sort()).toEqual([
      'placed',
      'refused',
      'waiting',
    ]);
    await sweeper.round();
    expect(await sweeper.overdue()).toEqual([]);
    expect(await scenario.phases()).toMatchObject({ huge: 'waiting', lost: 'waiting', front: 'placed' });
    expect(lines.filter((line) => line.msg === 'overdue').map((line) => line.release)).toHaveLength(2);
    await scenario.report();
    await database.query(
      `UPDATE releases SET deadline = clock_timestamp() - interval '1 second' WHERE phase = 'placed'`,
    );
    await sweeper.round();
    expect(await database.query(`SELECT deadline FROM releases WHERE application_id = 'front'`)).toEqual([
      { deadline: null },
    ]);
  });

  it('leaves no phase that is not an end without a deadline', async () => {
    await scenario.apply('huge', spec([component('web', { mcpu: 99_000 })]));
    await place('front');
    await place('gone');
    await scenario.remove('gone');
    expect(
      await database.query(
        `SELECT application_id FROM releases WHERE deadline IS NULL AND phase NOT IN ('superseded', 'removed')`,
      ),
    ).toEqual([]);
    expect(await scenario.phases()).toEqual({ huge: 'refused', front: 'placed', gone: 'removing' });
  });
});
