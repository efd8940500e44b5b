import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { StartupError, silentLogger } from '#platform';
import { connectStore } from '#store';
import { migrate, migrateConfigFrom } from './index.js';

const name = `berth_migrate_${randomBytes(4).toString('hex')}`;
const environment = {
  BERTH_DATABASE_URL: 'postgres://berth:secret@127.0.0.1:1/berth',
  BERTH_GATEWAY_PASSWORD: 'a',
  BERTH_SCHEDULER_PASSWORD: 'b',
  BERTH_HUB_PASSWORD: 'c',
};
let admin: pg.Client;
let owner: string;

beforeAll(async () => {
  const { superuserUrl, ownerUrl } = inject('postgres');
  admin = new pg.Client({ connectionString: Object.assign(new URL(superuserUrl), { pathname: '/postgres' }).href });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name} OWNER ${new URL(ownerUrl).username}`);
  owner = Object.assign(new URL(ownerUrl), { pathname: `/${name}` }).href;
});
afterAll(async () => {
  await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await admin.end();
});

describe('migrate', () => {
  it('makes the schema of an empty database, twice with the same end, and lets the roles log in', async () => {
    const { password } = new URL(owner);
    // Roles belong to the whole server, and other tests log in as them: they keep their password.
    const config = {
      databaseUrl: owner,
      passwords: { berth_gateway: password, berth_scheduler: password, berth_hub: password },
    };
    await migrate(config, silentLogger());
    await migrate(config, silentLogger());
    for (const role of Object.keys(config.passwords)) {
      const store = await connectStore({ url: Object.assign(new URL(owner), { username: role }).href });
      expect(await store.feed.position()).toBe(0n);
      await store.close();
    }
  });

  it('says in one line that the database does not answer', async () => {
    const { config } = migrateConfigFrom(environment);
    const failure = migrate(config, silentLogger());
    await expect(failure).rejects.toBeInstanceOf(StartupError);
    await expect(failure).rejects.toThrow(
      'migrate: the database at 127.0.0.1:1 (BERTH_DATABASE_URL): connect ECONNREFUSED 127.0.0.1:1',
    );
  });

  it('refuses to start without every password, and echoes none', () => {
    const withoutTwo = { ...environment, BERTH_GATEWAY_PASSWORD: '', BERTH_HUB_PASSWORD: undefined };
    expect(() => migrateConfigFrom(withoutTwo)).toThrow(
      'BERTH_GATEWAY_PASSWORD is not set; allowed: a text that is not empty\nBERTH_HUB_PASSWORD is not set; allowed: a text that is not empty',
    );
    const wrongUrl = { ...environment, BERTH_DATABASE_URL: 'mysql://berth:secret@db' };
    expect(() => migrateConfigFrom(wrongUrl)).toThrow(
      /^(?!.*secret)BERTH_DATABASE_URL has a value that is not allowed/,
    );
  });
});
