import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Reader } from '#store';
import {
  insertTickets,
  readApplication,
  readDecision,
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

  it('shows operators no application', async () => {
    for (const table of ['applications', 'revisions', 'releases', 'works'])
      expect(await store.unitOfWork.read(operator, `SELECT 1 FROM ${table}`)).toEqual([]);
  });
});
