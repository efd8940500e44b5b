import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '#platform';
import { type RunningScheduler, schedulerDefaults, startScheduler } from '../../apps/scheduler/index.js';
import { cliOn } from '../cli/runner.js';
import { type GatewayHarness, startGatewayHarness } from '../gateway/harness.js';
import { Scenario, until } from '../scheduler/scenario.js';
import { examplePlugin, type PriceServer, startPriceServer } from './examples.js';

const appFile = (name: string) => `
name: ${name}
spec:
  components:
    - name: ${name}
      containers:
        - image: nginx:1.27
          requests: { cpu: 100m, memory: 64Mi }
  placement: { maxClusters: 1 }
`;

const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
/** On for some hours now. */
const maintenanceNow = (): string => {
  const [from, to] = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 7_200_000)];
  const clock = (at: Date) => at.toISOString().slice(11, 16).replace(':', '');
  return `${days[from.getUTCDay()]}-${clock(from)}-${clock(to)}`;
};

describe('both example plug-ins, from the command line to the decision and back', () => {
  let prices: PriceServer;
  let harness: GatewayHarness;
  let scheduler: RunningScheduler;
  let scenario: Scenario;
  let berth: ReturnType<typeof cliOn>;
  beforeAll(async () => {
    prices = await startPriceServer({ dear: 0.05, cheap: 0.02, closed: 0.01 });
    const runs = { as: 'grpc' as const, address: prices.address, tls: undefined, token: undefined };
    const plugins = [
      await examplePlugin('maintenance-hours', { timeoutMs: 2_000 }),
      await examplePlugin('spot-prices', { runs, timeoutMs: 2_000 }),
    ];
    harness = await startGatewayHarness({}, { plugins });
    scenario = new Scenario(harness.db);
    for (const id of ['cheap', 'dear']) await scenario.cluster(id);
    await scenario.cluster('closed', { labels: { 'example.org/maintenance': maintenanceNow() } });
    const url = harness.db.urlFor('berth_scheduler');
    const config = { ...schedulerDefaults, databaseUrl: url, queueUrl: url, plugins };
    scheduler = await startScheduler(config, { log: silentLogger() });
    berth = cliOn(harness.gateway.grpcAddress, harness.ownerKey);
  });
  afterAll(async () => {
    await scheduler.close();
    await harness.close();
    await prices.stop();
  });

  const decided = async (name: string) => {
    const files = { 'app.yaml': appFile(name) };
    expect(await berth(['apply', '-f', 'app.yaml'], { files })).toMatchObject({ code: 0, err: '' });
    await until(`${name} is placed`, async () => (await scenario.phases())[name] === 'placed');
    return (await berth(['explain', name])).out;
  };

  it('decide where it goes, and berth explain says what they said', async () => {
    const told = await decided('first');
    expect(told).toContain('first → cheap');
    expect(told).toMatch(/CLUSTER +OUTCOME +POINTS .*spot-prices×20/);
    expect(told).toMatch(/cheap +chosen .* 500 /);
    expect(told).toMatch(
      /1 +maintenance-hours +is refused by maintenance-hours: in maintenance, or about to be, until \w{3} /,
    );
    expect(told).not.toContain('failed');
  });

  it('are asked for a plan, too, which is taken exactly, or not at all once they say otherwise', async () => {
    const files = { 'app.yaml': appFile('planned') };
    const plan = async () => (await berth(['plan', '-f', 'app.yaml', '-o', 'name'], { files })).out.trim();
    const take = (token: string) => berth(['apply', '-f', 'app.yaml', '--plan', token], { files });
    const shown = await berth(['plan', '-f', 'app.yaml'], { files });
    expect(shown.out).toMatch(/planned +cheap +- +1/);
    const before = await plan();
    await prices.quote({ dear: 0.01, cheap: 0.2 });
    const outdated = await take(before);
    expect(outdated.code).toBe(1);
    expect(outdated.err).toContain('planned in cheap: planned 1, now 0; planned in dear: planned 0, now 1');
    expect(await take(await plan())).toMatchObject({ code: 0, err: '' });
    expect((await berth(['explain', 'planned'])).out).toContain('planned → dear');
  });

  it('that are gone are named, with the default that counts', async () => {
    await prices.stop();
    const told = await decided('later');
    expect(told).toContain(`plug-in spot-prices failed (is not reachable at ${prices.address}): default score 0`);
    const files = { 'app.yaml': appFile('another') };
    const plan = await berth(['plan', '-f', 'app.yaml'], { files });
    expect(plan.out).toMatch(/plug-in spot-prices failed \(.*\): default score 0/);
    expect(await scenario.violations()).toEqual([]);
  });
});
