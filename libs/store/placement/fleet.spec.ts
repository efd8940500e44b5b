import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InventoryChange, noResources } from '#domain';
import { storeHeartbeats } from '../agents/heartbeats.js';
import type { Store } from '../core/store.js';
import { connectStore } from '../core/store.js';
import { startTestDatabase, type TestDatabase } from '../testing/database.js';
import { readFleet } from './fleet.js';

const work = (n: number) => `00000000-0000-4000-8000-${`${n}`.padStart(12, '0')}`;

describe('the fleet as decisions see it', () => {
  let database: TestDatabase;
  let hub: Store;
  let scheduler: Store;
  beforeAll(async () => {
    database = await startTestDatabase();
    hub = await connectStore({ url: database.urlFor('berth_hub'), poolSize: 2 });
    scheduler = await connectStore({ url: database.urlFor('berth_scheduler'), poolSize: 2 });
    await database.query(`INSERT INTO clusters (id) VALUES ('c')`);
    await database.query(`INSERT INTO cluster_capacity (cluster_id, work_sequence) VALUES ('c', 20)`);
    await database.query(`INSERT INTO cluster_agents (cluster_id, epoch) VALUES ('c', 1)`);
  });
  afterAll(async () => {
    await hub?.close();
    await scheduler?.close();
    await database?.close();
  });

  const tell = (inventory: InventoryChange) =>
    hub.unitOfWork.run({ kind: 'system', actor: 'spec' }, (tx) =>
      storeHeartbeats(tx, [{ cluster: 'c', epoch: 1n, appliedWorkSequence: 0n, inventory }], 10_000),
    );
  const read = async () => {
    const [cluster] = await scheduler.unitOfWork.run({ kind: 'system', actor: 'spec' }, (tx) => readFleet(tx, ['c']));
    return cluster;
  };

  it('counts beside the figures what they do not show: by sequence, and by name', async () => {
    const reserve = (n: number, sequence: number) =>
      database.query(
        `INSERT INTO reservations (id, tenant_id, cluster_id, work_id, state, replicas, replica_mcpu, replica_memory_bytes,
           mcpu, memory_bytes, pods, work_sequence, work_generation)
         VALUES ($1, 't', 'c', $1, 'held', 1, $2, 1, $2, 1, 1, $3, 1)`,
        [work(n), n, sequence],
      );
    await reserve(1, 5); // named, and ordered after what is seen of it
    await reserve(2, 7); // seen
    await reserve(3, 11); // beyond the sequence
    await reserve(4, 2); // named, and what was ordered is seen: only a newer content is not
    await tell({ reflected: { upTo: 10n, except: [1, 4].map((n) => ({ workId: work(n), after: 3n })) } });
    expect((await read())?.unreflected.map(({ perReplica }) => perReplica.mcpu)).toEqual([1, 3]);
    await tell({ reflected: { upTo: 99n, except: [] } });
    expect((await read())?.unreflected).toEqual([]);
  });

  it('counts pods that may go to some nodes only apart from those that may go to any', async () => {
    const rules = { tolerations: [], nodeSelector: [[{ key: 'disk', operator: 'In', values: ['ssd'] }]] };
    for (const [n, given] of [
      [11, null],
      [12, rules],
      [13, rules],
    ] as const)
      await database.query(
        `INSERT INTO reservations (id, tenant_id, cluster_id, work_id, state, replicas, replica_mcpu, replica_memory_bytes,
           mcpu, memory_bytes, pods, work_sequence, work_generation, node_rules)
         VALUES ($1, 't', 'c', $1, 'held', 2, 100, 1, 200, 2, 2, 200, 1, $2)`,
        [work(n), given],
      );
    const perReplica = { mcpu: 100, memoryBytes: 1, pods: 1 };
    expect((await read())?.unreflected).toEqual(
      expect.arrayContaining([
        { perReplica, replicas: 2 },
        { perReplica, replicas: 4, rules },
      ]),
    );
  });

  it('changes what a heartbeat brings, and leaves the rest', async () => {
    const room = { mcpu: 4_000, memoryBytes: 2 ** 30, pods: 10 };
    await tell({ allocatable: room, foreignRequests: noResources, nodes: 2, measured: { mcpu: 7, memoryBytes: 8 } });
    await tell({ nodes: 3 });
    expect(await read()).toMatchObject({ nodes: 3, allocatable: room, measured: { mcpu: 7, memoryBytes: 8 } });
    await tell({ measured: undefined });
    expect(await read()).toMatchObject({ nodes: 3, allocatable: room, measured: undefined });
  });
});
