import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPretendKubelet } from '../index.js';
import { aDeployment, type Caller, deploymentPath, eventually, hollow } from '../member.suite.js';

describe('the pretend kubelet over HTTP', () => {
  let cluster: Caller;
  const end = new AbortController();
  beforeAll(async () => {
    cluster = await hollow({ nodes: [], kubelet: false, tls: true });
  });
  afterAll(async () => {
    end.abort();
    await cluster.cluster.close();
  });

  it('registers nodes, makes their pods ready and removes them when deleted', async () => {
    const { url: server, token, ca } = cluster.cluster;
    const nodes = { count: 2, cpu: '4', memory: '8Gi' };
    const delays = { readyDelayMs: [5, 20], terminateDelayMs: [5, 10] } as const;
    const kubelet = await startPretendKubelet({
      server,
      token,
      ...(ca === undefined ? {} : { ca }),
      nodes,
      ...delays,
      signal: end.signal,
    });
    await cluster.apply(deploymentPath(), aDeployment());
    await eventually(async () =>
      (await cluster.get(deploymentPath())).body.status.readyReplicas === 2 ? true : undefined,
    );
    const { body } = await cluster.get('/api/v1/namespaces/default/pods');
    expect(new Set(body.items.map((pod) => pod.spec.nodeName))).toEqual(new Set(['node-0', 'node-1']));
    await cluster.call('DELETE', deploymentPath(), { propagationPolicy: 'Background' });
    await eventually(async () =>
      (await cluster.get('/api/v1/namespaces/default/pods')).body.items.length === 0 ? true : undefined,
    );
    end.abort();
    await kubelet.done;
  });
});
