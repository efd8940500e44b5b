import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../testing/database.js';
import { connectStore, type Store } from './store.js';
import type { Transaction } from './transaction.js';

let database: TestDatabase;
let gateway: Store;
let hub: Store;

beforeAll(async () => {
  database = await startTestDatabase();
  gateway = await database.connect('berth_gateway');
  hub = await database.connect('berth_hub');
  hub.feed.startSequencer();
  await database.query(`INSERT INTO tenants (id) VALUES ('acme'), ('globex')`);
  await database.query(`INSERT INTO projects (tenant_id, id) VALUES ('acme', 'shop'), ('globex', 'secret')`);
});
afterAll(() => database.close());

const acme = { kind: 'tenant', tenant: 'acme', actor: 'key' } as const;

describe('unit of work', () => {
  it('shows a tenant its own rows and no others, whatever the statement asks for', async () => {
    const rows = await gateway.unitOfWork.run(acme, (tx) => tx.query<{ id: string }>('SELECT id FROM projects'));
    expect(rows).toEqual([{ id: 'shop' }]);
    expect(await gateway.unitOfWork.read(acme, 'SELECT id FROM projects WHERE tenant_id = $1', ['globex'])).toEqual([]);
    expect(await gateway.unitOfWork.read(acme, 'SELECT id FROM projects WHERE id = $1', ["sh'op"])).toEqual([]);
    expect(await gateway.unitOfWork.read(acme, 'SELECT id FROM projects WHERE id = $1', ['shop'])).toEqual([
      { id: 'shop' },
    ]);
  });

  it('refuses to write for another tenant', async () => {
    await expect(
      gateway.unitOfWork.run(acme, (tx) => tx.query(`INSERT INTO projects (tenant_id, id) VALUES ('globex', 'mine')`)),
    ).rejects.toMatchObject({ code: '42501' });
  });

  it('forgets the tenant with the transaction', async () => {
    await gateway.unitOfWork.read(acme, 'SELECT 1 AS one');
    const nobody = { kind: 'system', actor: 'nobody' } as const;
    expect(await gateway.unitOfWork.read(nobody, 'SELECT id FROM projects')).toEqual([]);
  });

  it('leaves nothing behind when the work throws', async () => {
    const failing = gateway.unitOfWork.run(acme, async (tx) => {
      await tx.query(`INSERT INTO projects (tenant_id, id) VALUES ('acme', 'half')`);
      await tx.outbox.append({ tenant: 'acme', kind: 'application', resource: 'half/x' });
      throw new Error('stop');
    });
    await expect(failing).rejects.toThrow('stop');
    expect(await database.query(`SELECT id FROM projects WHERE id = 'half'`)).toEqual([]);
  });

  it('commits nothing, and says why, when what travels with the commit fails', async () => {
    const insert = (tx: Transaction, id: string) =>
      tx.query(`INSERT INTO projects (tenant_id, id) VALUES ('acme', $1)`, [id]);
    const failing = gateway.unitOfWork.run(acme, async (tx) => {
      await insert(tx, 'with-commit');
      tx.last(insert(tx, 'shop'));
    });
    await expect(failing).rejects.toMatchObject({ code: '23505' });
    expect(await database.query(`SELECT id FROM projects WHERE id = 'with-commit'`)).toEqual([]);
    await gateway.unitOfWork.run(acme, async (tx) => tx.last(insert(tx, 'with-commit')));
    expect(await database.query(`SELECT id FROM projects WHERE id = 'with-commit'`)).toHaveLength(1);
    await database.query(`DELETE FROM projects WHERE id = 'with-commit'`);
  });

  it('lets no part of a failed transaction go on after it', async () => {
    const late = async (tx: Transaction) => {
      await tx.query('SELECT pg_sleep(0.05)').catch(() => undefined); // the other part has failed by then
      await tx.query(`INSERT INTO projects (tenant_id, id) VALUES ('acme', 'straggler')`);
    };
    const failing = gateway.unitOfWork.run(acme, (tx) => tx.together([tx.query('SELECT 1 / 0'), late(tx)]));
    await expect(failing).rejects.toMatchObject({ code: '22012' });
    expect(await database.query(`SELECT id FROM projects WHERE id = 'straggler'`)).toEqual([]);
  });

  it('fails a read whose connection breaks under it, and reads again on another', async () => {
    const relay = await relayTo(new URL(database.urlFor('berth_gateway')));
    const store = await connectStore({ url: relay.url });
    const reading = store.unitOfWork.read(acme, 'SELECT pg_sleep(5)');
    await expect.poll(() => sleepers(), { timeout: 5_000 }).toBe(1);
    relay.cut();
    await expect(reading).rejects.toMatchObject({ name: 'Unavailable' });
    expect(await store.unitOfWork.read(acme, 'SELECT id FROM projects')).toEqual([{ id: 'shop' }]);
    await store.close();
    await relay.close();
  });

  it('delivers an announcement to a subscriber, in order and without its body', async () => {
    const stop = new AbortController();
    const feed = gateway.feed.subscribe({ after: 0n, kinds: ['application'], signal: stop.signal });
    await gateway.unitOfWork.run(acme, (tx) =>
      tx.outbox.append(
        { tenant: 'acme', kind: 'application', resource: 'shop/one', version: 1n },
        { tenant: 'acme', kind: 'application', resource: 'shop/two', version: 7n },
      ),
    );
    const first = await feed.next();
    expect(first.value?.map((row) => [row.tenant, row.resource, row.version])).toEqual([
      ['acme', 'shop/one', 1n],
      ['acme', 'shop/two', 7n],
    ]);
    stop.abort();
  });
});

const sleepers = async (): Promise<number> =>
  (
    await database.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event = 'PgSleep'`,
    )
  )[0]?.count ?? 0;

/** A way to the database that can be cut without a word from either end. */
async function relayTo(target: URL) {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) open.add(socket.on('error', () => socket.destroy()));
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cut: () => {
      for (const socket of open) socket.destroy();
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
