import { expect, it } from 'vitest';
import { demoFleet, startMember } from './fleet.js';
import { heldObjects } from './members.js';

it('serves the demo’s members over https, so that kubectl reaches them with their kubeconfigs', async () => {
  const [member] = demoFleet;
  if (member === undefined) throw new Error('the demo has no member');
  const cluster = await startMember(member);
  try {
    expect(cluster.url).toMatch(/^https:/);
    expect(cluster.kubeconfig).toContain('certificate-authority-data');
    expect(await heldObjects(member.cluster, cluster.kubeconfig)).toEqual([]);
  } finally {
    await cluster.close();
  }
});
