import { afterAll, beforeAll, expect, it } from 'vitest';
import { wire } from '#contract';
import { connectCluster } from '#kube';
import { application, fleetReady, phaseOf, type Station, startStation, watchUntil } from '../e2e/station.js';
import { type FakeKubelet, startFakeKubelet } from '../kubernetes/fake-kubelet.js';
import { describeMembers, type TestMember } from '../kubernetes/members.js';

const name = application('shop');
const spec = {
  components: [
    {
      name: 'web',
      replicas: 2,
      containers: [{ image: 'example.test/web:1', requests: { cpu: '100m', memory: '64Mi' } }],
    },
  ],
};

/** As somebody with kubectl would. */
async function deletePod({ access }: TestMember, namespace: string, pod: string): Promise<void> {
  const client = await connectCluster(access, { userAgent: 'test' });
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}`;
  await client.raw({ method: 'DELETE', path, body: { gracePeriodSeconds: 0 } });
  await client.close();
}

describeMembers('logs through the line', (flavour) => {
  let station: Station;
  let kubelet: FakeKubelet | undefined;
  const member = (): TestMember => {
    const [only] = station.members;
    if (only === undefined) throw new Error('no member');
    return only;
  };
  beforeAll(async () => {
    station = await startStation(flavour, ['one']);
    await fleetReady(station);
    // a hollow cluster plays the kubelet itself
    if (flavour.name !== 'hollow') kubelet = await startFakeKubelet(member().access);
    await station.applications.applyApplication({ name, source: { case: 'spec', value: spec } });
    await watchUntil(station, name, (found) => phaseOf(found) === wire.Phase.READY);
  });
  afterAll(async () => {
    await kubelet?.close();
    await station.close();
  });

  it('come from every pod, as many lines as were asked for', async () => {
    const lines = new Map<string, string>();
    for await (const { source, event } of station.workloads.readLogs({ name, tailLines: 1n }, { deadlineMs: 30_000 }))
      if (event.case === 'lines') lines.set(source?.pod ?? '', Buffer.from(event.value).toString());
    expect(lines.size).toBe(2);
    for (const [pod, text] of lines) expect(text).toMatch(new RegExp(`^line \\d+ of web in ${pod}[^\\n]*\\n$`));
    if (kubelet !== undefined)
      expect(kubelet.asked.at(-1)).toMatch(/^\/containerLogs\/berth-\S+\/web-\S+\/web\?tailLines=1$/);
  });

  it('are followed; a pod that is deleted ends its own source, and the one in its place joins', async () => {
    const seen = new Set<string>();
    let gone = '';
    let hasEnded = false;
    const signal = AbortSignal.timeout(60_000);
    for await (const { source, event } of station.workloads.readLogs(
      { name, follow: true, tailLines: 1n },
      { signal },
    )) {
      const pod = source?.pod ?? '';
      if (event.case === 'end' && pod === gone) hasEnded = true;
      if (event.case === 'lines') seen.add(pod);
      if (gone === '' && seen.size === 2) {
        gone = pod;
        const [row] = await station.database.query<{ namespace: string }>('SELECT namespace FROM works');
        await deletePod(member(), row?.namespace ?? '', gone);
        kubelet?.stop(gone);
      }
      if (hasEnded && seen.size === 3) break;
    }
    expect(hasEnded).toBe(true);
  });
});
