import { afterAll, beforeAll, describe, it } from 'vitest';
import { connectCluster, kubeMember, systemTiming } from '#kube';
import { silentLogger } from '#platform';
import { memoryKeeper, startAgent } from '../../apps/agent/index.js';
import { eventually, type LineHarness, startLineHarness } from './harness.js';

let harness: LineHarness;
beforeAll(async () => {
  harness = await startLineHarness();
});
afterAll(() => harness.close());

/** What a displaced agent waits, with the least of chance. */
const waits = [2_500, 5_000, 10_000, 20_000, 30_000];

describe('two agents of one cluster', () => {
  it('take the line from each other after longer and longer waits, although each is welcomed', async () => {
    const hollow = await harness.hollow('rivals');
    const token = await harness.register('rivals');
    const identity = memoryKeeper();
    const waited: number[] = [];
    const sleep: typeof systemTiming.sleep = (ms, signal) => {
      if (!waits.includes(ms)) return systemTiming.sleep(ms, signal);
      waited.push(ms);
      return systemTiming.sleep(50, signal);
    };
    const start = async () => {
      const access = { kind: 'token', url: hollow.url, token: hollow.token } as const;
      const member = kubeMember(await connectCluster(access, { userAgent: 'berth-agent/test' }));
      const hub = harness.hub().address;
      return startAgent({ hub, identity, token, member, log: silentLogger(), chance: () => 0, sleep });
    };
    const first = await start();
    const second = await start();
    try {
      await eventually(
        async () => new Set(waited),
        (found) => waits.every((ms) => found.has(ms)),
        20_000,
      );
    } finally {
      await first.close();
      await second.close();
    }
  });
});
