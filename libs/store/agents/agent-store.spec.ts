import { randomUUID } from 'node:crypto';
import { clockAt, defaultObjectPolicy } from '#domain';
import { connectStore } from '../core/store.js';
import { AgentStoreModel, type StoreFault } from '../testing/agent-store-model.js';
import { commitRelayTo } from '../testing/commit-relay.js';
import { startTestDatabase, type TestDatabase } from '../testing/database.js';
import { type AgentStoreBench, describeAgentStore } from './agent-store.suite.js';
import { freshness } from './freshness.js';
import { postgresAgentStore } from './postgres.js';

describeAgentStore('in memory', async () => {
  const clock = clockAt('2030-01-01T00:00:00Z');
  const coming: StoreFault[] = [];
  const model = new AgentStoreModel('incarnation', {
    clock,
    roundTrip: async () => undefined,
    fault: () => coming.shift(),
  });
  return {
    store: model,
    incarnation: model.incarnation,
    registerCluster: async (cluster) => model.registerCluster(cluster),
    putWork: async ({ cluster, id = randomUUID() }) =>
      model.putWork({
        ...{ id, cluster, namespace: 'n', environment: 'production', application: 'store', component: 'web' },
        ...{ objects: [], policy: defaultObjectPolicy },
      }),
    putTombstone: async (order) =>
      model.putTombstone({ ...order, id: randomUUID(), generation: 1n, mode: 'delete' }).id,
    outcomeOf: async (id) => model.tombstones.get(id)?.confirmed?.outcome,
    statusOf: async (workId) => {
      const row = model.status.get(workId);
      return row && { epoch: row.epoch, sequence: row.sequence, phase: row.status.phase };
    },
    freshnessOf: async (workId) => model.freshnessOf(workId),
    phaseOf: async (cluster) => model.agents.get(cluster)?.phase ?? '',
    revoke: async (serial) => model.revoke(serial),
    now: () => clock.now(),
    pass: async (_, ms) => clock.advance(ms),
    lose: async (which) => void coming.push(which === 'before-commit' ? 'lost-before-commit' : 'lost-after-commit'),
    conflicts: async (times) => void coming.push(...Array.from({ length: times }, () => 'conflict' as const)),
    close: async () => undefined,
  };
});

describeAgentStore('Postgres', async () => {
  const database = await startTestDatabase();
  const relay = await commitRelayTo(database.urlFor('berth_hub'));
  const store = await connectStore({ url: relay.url });
  const orderer = await database.connect('berth_hub');
  orderer.feed.startSequencer();
  await database.query(conflictSql);
  return {
    store: postgresAgentStore(store, 'hub'),
    incarnation: await store.feed.incarnation(),
    ...arrangedIn(database),
    lose: async (which) => relay.lose(which === 'before-commit' ? 'request' : 'answer'),
    conflicts: async (times) => {
      await database.query(`SELECT setval('lost_races', $1)`, [1_000 - times]);
    },
    close: async () => {
      await store.close();
      await database.close();
      await relay.close();
    },
  };
});

/** A sequence counts on through rollbacks: as long as it is below a thousand, storing status loses its race. */
const conflictSql = `
  CREATE SEQUENCE lost_races START 1000;
  GRANT USAGE ON SEQUENCE lost_races TO berth_hub;
  CREATE FUNCTION lose_race() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('lost_races') <= 1000 THEN RAISE EXCEPTION 'lost a race' USING ERRCODE = '40001'; END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER lose_race BEFORE INSERT ON work_status FOR EACH STATEMENT EXECUTE FUNCTION lose_race();`;

type Arranged = Omit<AgentStoreBench, 'store' | 'incarnation' | 'lose' | 'conflicts' | 'close'>;

function arrangedIn(database: TestDatabase): Arranged {
  const nextSequence = `WITH next AS (
      UPDATE cluster_capacity SET work_sequence = work_sequence + 1 WHERE cluster_id = $1 RETURNING work_sequence),
    told AS (INSERT INTO outbox (kind, resource) VALUES ('work', $1))`;
  const one = async <Row extends object>(sql: string, parameters: readonly unknown[]): Promise<Row | undefined> =>
    (await database.query<Row & Record<string, unknown>>(sql, parameters))[0];
  return {
    registerCluster: async (cluster) => {
      for (const [table, key] of [
        ['clusters', 'id'],
        ['cluster_capacity', 'cluster_id'],
        ['cluster_agents', 'cluster_id'],
      ])
        await database.query(`INSERT INTO ${table} (${key}) VALUES ($1)`, [cluster]);
    },
    putWork: async ({ cluster, id = randomUUID() }) => {
      const row = await one<{ sequence: string; generation: string }>(
        `${nextSequence} INSERT INTO works (id, cluster_id, tenant_id, project_id, environment_id, application_id, application_uid,
           component, release_number, namespace, sequence, wanted, manifests)
         SELECT $2::uuid, $1, 'acme', 'shop', 'production', 'store', '00000000-0000-4000-8000-000000000001', $2::uuid::text, 1, 'n',
           work_sequence, false, '[]' FROM next
         ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, generation = works.generation + 1
         RETURNING sequence, generation`,
        [cluster, id],
      );
      return { id, sequence: BigInt(row?.sequence ?? 0), generation: BigInt(row?.generation ?? 0) };
    },
    putTombstone: async ({ cluster, workId, object, uid }) => {
      const id = randomUUID();
      await database.query(
        `${nextSequence} INSERT INTO tombstones (id, cluster_id, tenant_id, work_id, sequence, generation, api_version, kind, namespace, name, uid)
         SELECT $2, $1, 'acme', $3, work_sequence, 1, $4, $5, $6, $7, $8 FROM next`,
        [cluster, id, workId, object.apiVersion, object.kind, object.namespace, object.name, uid],
      );
      return id;
    },
    outcomeOf: async (id) =>
      (
        await one<{ outcome: 'deleted' }>('SELECT outcome FROM tombstones WHERE id = $1 AND confirmed_at IS NOT NULL', [
          id,
        ])
      )?.outcome,
    statusOf: async (workId) => {
      const row = await one<{ epoch: string; sequence: string; phase: string }>(
        'SELECT epoch, sequence, phase FROM work_status WHERE work_id = $1',
        [workId],
      );
      return row && { epoch: BigInt(row.epoch), sequence: BigInt(row.sequence), phase: row.phase };
    },
    freshnessOf: async (workId) =>
      (
        await one<{ freshness: string }>(
          `SELECT ${freshness({ agent: 'g', status: 's' })} AS freshness FROM works w JOIN cluster_agents g USING (cluster_id)
           LEFT JOIN work_status s ON s.work_id = w.id WHERE w.id = $1`,
          [workId],
        )
      )?.freshness ?? '',
    phaseOf: async (cluster) =>
      (await one<{ phase: string }>('SELECT phase FROM clusters WHERE id = $1', [cluster]))?.phase ?? '',
    now: () => Date.now(),
    revoke: async (serial) => {
      await database.query('UPDATE certificates SET revoked_at = clock_timestamp() WHERE serial = $1', [serial]);
    },
    pass: async (cluster, ms) => {
      await database.query(
        `UPDATE cluster_agents SET lease_expires_at = lease_expires_at - $2 * interval '1 ms' WHERE cluster_id = $1`,
        [cluster, ms],
      );
    },
  };
}
