import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { wire } from '#contract';
import { describeMembers } from '../kubernetes/members.js';
import { emptyQueue } from '../queue/empty.js';
import { application, fleetReady, phaseOf, type Station, startStation, watchUntil, watchUntilGone } from './station.js';

const names = Array.from({ length: 12 }, (_, index) => application(`app-${index}`));

const specOf = (component: string, replicas: number) =>
  create(wire.ApplicationSpecSchema, {
    components: [
      {
        name: component,
        replicas,
        containers: [{ image: 'registry.example/web:1', requests: { cpu: '100m', memory: '64Mi' } }],
      },
    ],
  });

describeMembers('a queue that loses everything at random moments', (flavour) => {
  let station: Station;
  beforeAll(async () => {
    station = await startStation(flavour, ['one', 'two']);
    await fleetReady(station);
  });
  afterAll(() => station.close());

  /** Empties it again and again, at moments that the seed says, for as long as `work` goes on. */
  async function whileEmptying<T>(work: Promise<T>): Promise<T> {
    let goesOn = true;
    let seed = 7;
    const emptying = (async () => {
      while (goesOn) {
        seed = (seed * 48_271) % 2_147_483_647;
        await emptyQueue(station.database);
        await station.database.query('SELECT pg_sleep($1)', [(seed % 100) / 1000]);
      }
    })();
    try {
      return await work;
    } finally {
      goesOn = false;
      await emptying;
    }
  }

  it('stops nothing and doubles nothing: everything becomes ready, once', async () => {
    const applied = names.map(async (name, index) => {
      await station.applications.applyApplication({
        name,
        source: { case: 'spec', value: specOf(`web-${index}`, 1 + (index % 3)) },
      });
      return watchUntil(station, name, (found) => phaseOf(found) === wire.Phase.READY);
    });
    await whileEmptying(Promise.all(applied));
    const asked = names.reduce((sum, _, index) => sum + 1 + (index % 3), 0);
    const [held] = await station.database.query(
      `SELECT (SELECT sum(pods)::int FROM reservations) AS pods, (SELECT sum(reserved_pods)::int FROM cluster_capacity) AS reserved,
        (SELECT sum(ready)::int FROM work_status) AS ready, (SELECT count(*)::int FROM releases) AS releases,
        (SELECT count(*)::int FROM decisions WHERE placed) AS decisions`,
    );
    expect(held).toEqual({
      pods: asked,
      reserved: asked,
      ready: asked,
      releases: names.length,
      decisions: names.length,
    });
  });

  it('stops no removal either', async () => {
    const gone = names.map(async (name) => {
      await station.applications.deleteApplication({ name });
      await watchUntilGone(station, name);
    });
    await whileEmptying(Promise.all(gone));
    const [left] = await station.database.query(
      'SELECT (SELECT count(*)::int FROM works) AS works, (SELECT count(*)::int FROM reservations) AS reservations',
    );
    expect(left).toEqual({ works: 0, reservations: 0 });
  });
});
