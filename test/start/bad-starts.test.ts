import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { type BuiltApps, buildApps, type Ended } from './built.js';

const nowhere = (role: string) => `postgres://${role}:secret-word@127.0.0.1:1/berth`;

describe('a start that cannot succeed', () => {
  let apps: BuiltApps;
  let db: TestDatabase;
  let occupied: Server;
  let busy: string;
  beforeAll(async () => {
    [apps, db] = await Promise.all([buildApps(), startTestDatabase()]);
    occupied = createServer();
    await new Promise<void>((resolve) => occupied.listen(0, '127.0.0.1', resolve));
    busy = `127.0.0.1:${(occupied.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await apps.close();
    await db.close();
    await new Promise((resolve) => occupied.close(resolve));
  });

  /** One line that says what is wrong, a failure's exit code, no stack, nothing secret. */
  const saysInOneLine = (ended: Ended, line: RegExp) => {
    expect(ended.stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(line)]);
    expect(ended.code).toBe(1);
    expect(ended.stdout + ended.stderr).not.toMatch(/(^|\\n) +at /m);
    expect(ended.stdout + ended.stderr).not.toContain('secret-word');
  };

  const gateway = () => ({
    BERTH_DATABASE_URL: db.urlFor('berth_gateway'),
    BERTH_GATEWAY_ADDRESS: '127.0.0.1:0',
    BERTH_GATEWAY_HTTP_ADDRESS: '127.0.0.1:0',
  });
  const scheduler = () => ({ BERTH_DATABASE_URL: db.urlFor('berth_scheduler') });
  const hub = () => ({
    BERTH_DATABASE_URL: db.urlFor('berth_hub'),
    BERTH_HUB_ADDRESS: '127.0.0.1:0',
    BERTH_HUB_DIRECTORY: './hub',
  });

  it('names the busy port and the setting that chooses it', async () => {
    const inUse = (setting: string) => new RegExp(`${busy} is in use \\(${setting}\\)`);
    saysInOneLine(
      await apps.run('gateway', { ...gateway(), BERTH_GATEWAY_ADDRESS: busy }),
      inUse('BERTH_GATEWAY_ADDRESS'),
    );
    saysInOneLine(
      await apps.run('gateway', { ...gateway(), BERTH_GATEWAY_HTTP_ADDRESS: busy }),
      inUse('BERTH_GATEWAY_HTTP_ADDRESS'),
    );
    saysInOneLine(await apps.run('hub', { ...hub(), BERTH_HUB_ADDRESS: busy }), inUse('BERTH_HUB_ADDRESS'));
    saysInOneLine(
      await apps.run('scheduler', { ...scheduler(), BERTH_SCHEDULER_HTTP_ADDRESS: busy }),
      inUse('BERTH_SCHEDULER_HTTP_ADDRESS'),
    );
  });

  it('says that the database does not answer, and where', async () => {
    for (const [app, env] of Object.entries({ gateway: gateway(), scheduler: scheduler(), hub: hub() }))
      saysInOneLine(
        await apps.run(app, { ...env, BERTH_DATABASE_URL: nowhere(`berth_${app}`) }),
        new RegExp(`^${app}: the database at 127\\.0\\.0\\.1:1 does not answer \\(BERTH_DATABASE_URL\\)`),
      );
  });

  it('names the wrong setting, what was read and what is allowed', async () => {
    saysInOneLine(
      await apps.run('gateway', { ...gateway(), BERTH_GATEWAY_ADDRESS: 'here' }),
      /^BERTH_GATEWAY_ADDRESS is "here"; allowed: host:port/,
    );
    saysInOneLine(
      await apps.run('scheduler', { ...scheduler(), BERTH_SCHEDULER_BATCH: '0' }),
      /^BERTH_SCHEDULER_BATCH is "0"; allowed: a whole number from 1 to 1000$/,
    );
    saysInOneLine(
      await apps.run('hub', { ...hub(), BERTH_LEASE_TTL_MS: 'long' }),
      /^BERTH_LEASE_TTL_MS is "long"; allowed: a whole number from 1000 to 600000$/,
    );
    for (const [app, env] of Object.entries({ gateway: gateway(), scheduler: scheduler(), hub: hub() }))
      saysInOneLine(
        await apps.run(app, { ...env, BERTH_DATABASE_URL: 'mysql://secret-word' }),
        /^BERTH_DATABASE_URL has a value that is not allowed \(not shown\); allowed: a URL that begins with postgres:/,
      );
    saysInOneLine(await apps.run('agent', {}), /^BERTH_HUB is not set; allowed: /);
  });

  it('says what keeps an agent from its cluster', async () => {
    saysInOneLine(await apps.run('agent', { BERTH_HUB: '127.0.0.1:1' }), /^KUBECONFIG is not set; allowed: /);
    saysInOneLine(
      await apps.run('agent', { BERTH_HUB: '127.0.0.1:1', KUBECONFIG: './nothing-here' }),
      /^agent: .*nothing-here/,
    );
  });
});
