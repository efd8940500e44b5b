import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clockAt } from '#domain';
import { silentLogger } from '#platform';
import { type GroupView, PluginHost } from '#plugins';
import { aCluster, fleetOf } from '../../libs/placement/testing/fleet.fixture.js';
import { examplePlugin, type PriceServer, startPriceServer } from './examples.js';

const group = (application: string): GroupView => ({
  ...{ tenant: 'acme', project: 'shop', environment: 'production', application, components: [] },
});
const fleet = fleetOf(aCluster('dear'), aCluster('cheap'), aCluster('unknown'));

describe('the example spot-prices, a process of its own', () => {
  let server: PriceServer;
  let host: PluginHost;
  beforeAll(async () => {
    server = await startPriceServer({ cheap: 0.02, dear: 0.05 });
    const runs = { as: 'grpc' as const, address: server.address, tls: undefined, token: undefined };
    const settings = await examplePlugin('spot-prices', { runs, timeoutMs: 5_000 });
    host = new PluginHost([settings], { log: silentLogger(), clock: clockAt(0) });
  });
  afterAll(async () => {
    await host.close();
    await server.stop();
  });
  const ask = async () =>
    (await host.consult([group('one'), group('two')], fleet)).map(({ clusters, answers: [answer] }) => ({
      ...{ version: answer?.version, failure: answer?.failure },
      scores: Object.fromEntries(clusters.map((id, at) => [id, answer?.scores?.[at]])),
    }));

  it('prefers what is cheap, and follows its price list', async () => {
    const told = (scores: object) => [1, 2].map(() => ({ version: '1.0.0', failure: undefined, scores }));
    expect(await ask()).toEqual(told({ cheap: 1000, dear: 400, unknown: 0 }));
    await server.quote({ cheap: 0.1, dear: 0.05, unknown: 0.5 });
    expect(await ask()).toEqual(told({ cheap: 500, dear: 1000, unknown: 100 }));
  });

  it('gives nobody points for want of prices', async () => {
    await server.quote({});
    expect((await ask())[0]?.scores).toEqual({ cheap: 0, dear: 0, unknown: 0 });
  });

  it('that was killed is named', async () => {
    await server.stop();
    expect((await ask()).map(({ failure }) => failure)).toEqual([
      `is not reachable at ${server.address}`,
      `is not reachable at ${server.address}`,
    ]);
  });
});
