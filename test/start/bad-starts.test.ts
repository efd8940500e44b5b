import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { type BuiltApps, buildApps, type Ended } from './built.js';

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

  const envOf = { gateway, scheduler, hub } as const;
  type App = keyof typeof envOf;

  it.each([
    ['gateway', 'BERTH_GATEWAY_ADDRESS'],
    ['gateway', 'BERTH_GATEWAY_HTTP_ADDRESS'],
    ['hub', 'BERTH_HUB_ADDRESS'],
    ['scheduler', 'BERTH_SCHEDULER_HTTP_ADDRESS'],
  ] as const)('names the busy port: %s, %s', async (app, setting) => {
    const ended = await apps.run(app, { ...envOf[app](), [setting]: busy });
    saysInOneLine(ended, new RegExp(`${busy} is in use \\(${setting}\\)`));
  });

  it.each<[App]>([['gateway'], ['scheduler'], ['hub']])(
    'says that the database does not answer, and where: %s',
    async (app) => {
      const url = `postgres://berth_${app}:secret-word@127.0.0.1:1/berth`;
      const ended = await apps.run(app, { ...envOf[app](), BERTH_DATABASE_URL: url });
      saysInOneLine(
        ended,
        new RegExp(`^${app}: the database at 127\\.0\\.0\\.1:1 does not answer \\(BERTH_DATABASE_URL\\)`),
      );
    },
  );

  it.each(['postgres', 'redis'])('says that the queue does not answer, not the database: %s', async (kind) => {
    const url = `${kind}://berth:secret-word@127.0.0.1:1/0`;
    const ended = await apps.run('scheduler', { ...scheduler(), BERTH_QUEUE_URL: url });
    saysInOneLine(ended, /^scheduler: the queue at 127\.0\.0\.1:1 does not answer \(BERTH_QUEUE_URL\)/);
  });

  it.each<[App, string, string, RegExp]>([
    ['gateway', 'BERTH_GATEWAY_ADDRESS', 'here', / is "here"; allowed: host:port/],
    ['scheduler', 'BERTH_SCHEDULER_BATCH', '0', / is "0"; allowed: a whole number from 1 to 1000$/],
    ['hub', 'BERTH_LEASE_TTL_MS', 'long', / is "long"; allowed: a whole number from 1000 to 600000$/],
    ['hub', 'BERTH_DATABASE_URL', 'mysql://secret-word', / \(not shown\); allowed: a URL that begins with postgres:/],
  ])('names the wrong setting, what was read and what is allowed: %s, %s', async (app, setting, value, told) => {
    const ended = await apps.run(app, { ...envOf[app](), [setting]: value });
    saysInOneLine(ended, new RegExp(`^${setting}.*${told.source}`));
  });

  it.each<[App]>([['gateway'], ['scheduler']])('names the file of plug-ins that is not there: %s', async (app) => {
    const ended = await apps.run(app, { ...envOf[app](), BERTH_PLUGINS: './nothing-here.yaml' });
    saysInOneLine(ended, /^BERTH_PLUGINS \.\/nothing-here\.yaml: cannot be read: ENOENT/);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['no hub', {}, /^BERTH_HUB is not set; allowed: host:port of the hub \(or --hub\)$/],
    ['no kubeconfig', { BERTH_HUB: '127.0.0.1:1' }, /^KUBECONFIG is not set; allowed: /],
    [
      'a missing kubeconfig',
      { BERTH_HUB: '127.0.0.1:1', KUBECONFIG: './nothing-here' },
      /^agent: kubeconfig \.\/nothing-here: no such file$/,
    ],
    ['a broken kubeconfig', { BERTH_HUB: '127.0.0.1:1', KUBECONFIG: './package.json' }, /^agent: the kubeconfig /],
  ])('says what keeps an agent from its cluster: %s', async (_what, env, told) => {
    saysInOneLine(await apps.run('agent', env), told);
  });
});
