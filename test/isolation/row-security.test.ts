import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Reader } from '#store';
import {
  insertPlan,
  insertTickets,
  readApplication,
  readDecision,
  readPlan,
  readReleases,
  readRevisions,
  readTunnelTargets,
  type Store,
  type StorePrincipal,
  sqlState,
  sqlStateOf,
} from '#store';
import { countRows } from '../gateway/rows.js';
import { createWorld, type World } from './world.js';

/** Tables whose rows belong to a tenant, with something of acme's in them. */
const tables = [
  'projects',
  'environments',
  'api_keys',
  'applications',
  'revisions',
  'releases',
  'object_claims',
  'decisions',
  'placements',
  'works',
  'work_status',
] as const;

describe('row-level security, with the checks before it taken out', () => {
  let world: World;
  let store: Store;
  const rival: StorePrincipal = { kind: 'tenant', tenant: 'rival', actor: 'test' };
  const operator: StorePrincipal = { kind: 'operator', actor: 'test' };
  const acmes = { tenant: 'acme', project: 'default', application: 'shop' };
  beforeAll(async () => {
    world = await createWorld();
    store = await world.harness.db.connect('berth_gateway');
  });
  afterAll(() => world.harness.close());

  it.each(tables)('shows another tenant nothing of %s', async (table) => {
    expect(await countRows(world.harness.db, `${table} WHERE tenant_id = 'acme'`)).toBeGreaterThan(0);
    const count = `SELECT count(*)::int AS count FROM ${table} WHERE tenant_id = 'acme'`;
    expect(await store.unitOfWork.read(rival, count)).toEqual([{ count: 0 }]);
  });

  it('answers the gateway’s own reads with nothing', async () => {
    const read: Reader = (sql, parameters) => store.unitOfWork.read(rival, sql, parameters);
    const page = { from: undefined, limit: 10 };
    expect(await readApplication(read, acmes)).toBeUndefined();
    expect(await readDecision(read, { ...acmes, environment: 'default' })).toBeUndefined();
    expect(await readRevisions(read, acmes, page)).toEqual([]);
    expect(await readReleases(read, { ...acmes, environment: 'default' }, page)).toEqual([]);
  });

  it('lets another tenant change nothing, and write nothing in acme’s name', async () => {
    const changed = await store.unitOfWork.run(rival, (tx) =>
      tx.execute(`UPDATE applications SET version = version + 1 WHERE tenant_id = 'acme'`),
    );
    expect(changed).toBe(0);
    const forged = store.unitOfWork.run(rival, (tx) =>
      tx.query(`INSERT INTO projects (tenant_id, id) VALUES ('acme', 'forged')`),
    );
    await expect(forged).rejects.toSatisfy((error) => sqlStateOf(error) === sqlState.insufficientPrivilege);
  });

  it('lets another tenant make no ticket in acme’s name, and finds it nothing to make one for', async () => {
    const by = { tenant: 'acme', actor: 'test' };
    const ticket = { id: randomUUID(), secretHash: Buffer.alloc(32), cluster: 'north', order: {} };
    const forged = store.unitOfWork.run(rival, (tx) => insertTickets(tx, by, [ticket]));
    await expect(forged).rejects.toSatisfy((error) => sqlStateOf(error) === sqlState.insufficientPrivilege);
    const targets = store.unitOfWork.run(rival, (tx) => readTunnelTargets(tx, { ...acmes, environment: 'default' }));
    expect(await targets).toBeUndefined();
  });

  it('lets another tenant find no plan of acme’s, and write none of what a plan writes in acme’s name', async () => {
    const plan = {
      ...{ ...acmes, id: randomUUID(), environment: 'default', etag: '', digest: '', changed: true },
      allotments: [{ component: 'shop', cluster: 'north', replicas: 1 }],
      preempts: [],
      author: 'test',
    };
    const own: StorePrincipal = { kind: 'tenant', tenant: 'acme', actor: 'test' };
    await store.unitOfWork.run(own, (tx) => insertPlan(tx, plan, 60_000));
    const readAs = (principal: StorePrincipal) => store.unitOfWork.run(principal, (tx) => readPlan(tx, plan));
    expect(await readAs(own)).toMatchObject({ allotments: plan.allotments, expired: false });
    expect(await readAs(rival)).toBeUndefined();
    const [work] = await world.harness.db.query<{ id: string }>(`SELECT id FROM works WHERE tenant_id = 'acme'`);
    const forgeries: [sql: string, parameters: unknown[]][] = [
      [
        `INSERT INTO work_objects (work_id, api_version, kind, namespace, name) VALUES ($1, 'v1', 'Pod', 'n', 'x')`,
        [work?.id],
      ],
      [
        `INSERT INTO reservations (id, tenant_id, cluster_id, work_id, state, replicas, replica_mcpu, replica_memory_bytes, mcpu, memory_bytes,
           pods, work_sequence, work_generation) VALUES ($1, 'acme', 'north', $1, 'held', 1, 1, 1, 1, 1, 1, 1, 1)`,
        [randomUUID()],
      ],
      [
        `INSERT INTO placements (tenant_id, project_id, environment_id, application_uid, component, cluster_id, replicas, release_number, decision_id)
         VALUES ('acme', 'default', 'default', $1, 'x', 'north', 1, 1, $1)`,
        [randomUUID()],
      ],
    ];
    for (const [sql, parameters] of forgeries) {
      const forged = store.unitOfWork.run(rival, (tx) => tx.query(sql, parameters));
      await expect(forged, sql).rejects.toSatisfy((error) => sqlStateOf(error) === sqlState.insufficientPrivilege);
    }
    const changed = await store.unitOfWork.run(rival, (tx) => tx.execute('UPDATE works SET wanted = false'));
    expect(changed).toBe(0);
    const widened = store.unitOfWork.run(rival, (tx) => tx.execute('UPDATE cluster_capacity SET allocatable_mcpu = 1'));
    await expect(widened).rejects.toSatisfy((error) => sqlStateOf(error) === sqlState.insufficientPrivilege);
  });

  it('shows operators no application', async () => {
    for (const table of ['applications', 'revisions', 'releases', 'works'])
      expect(await store.unitOfWork.read(operator, `SELECT 1 FROM ${table}`)).toEqual([]);
  });
});
