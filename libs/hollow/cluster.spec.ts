import { expect, it } from 'vitest';
import { type HollowOptions, startHollowCluster } from './cluster.js';
import { Caller } from './member.suite.js';

async function uidOfCluster(options: Partial<HollowOptions>): Promise<string | undefined> {
  const nodes = { count: 1, cpu: '4', memory: '8Gi' };
  const caller = new Caller(await startHollowCluster({ name: 'twice', nodes, ...options }));
  try {
    return (await caller.get('/api/v1/namespaces/kube-system')).body.metadata.uid;
  } finally {
    await caller.cluster.close();
  }
}

it('is another cluster each time, and the same one again for the same seed', async () => {
  const [first, second] = [await uidOfCluster({}), await uidOfCluster({})];
  expect(first).toMatch(/^[0-9a-f-]{36}$/);
  expect(second).not.toBe(first);
  expect(await uidOfCluster({ seed: 7 })).toBe(await uidOfCluster({ seed: 7 }));
});
