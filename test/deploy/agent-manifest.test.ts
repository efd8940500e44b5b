import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wire } from '#contract';
import { openChannel, type RpcChannel } from '#platform';
import type { RunningAgent } from '../../apps/agent/index.js';
import { rbacText } from '../../apps/agent/rbac/command.js';
import { type LocalBerth, startLocalBerth } from '../../apps/local/berth.js';
import { heldObjects } from '../../apps/local/members.js';
import { startTestDatabase } from '../../libs/store/testing/database.js';
import { application, phaseOf, watchUntil, watchUntilGone } from '../e2e/station.js';
import { kubebuilderAssets } from '../kubernetes/assets.js';
import { until } from '../kubernetes/until.js';
import { type OperatedCluster, startOperatedCluster } from './agent-in-cluster.js';
import { grantedBy, usedAccordingTo } from './agent-rights.js';

const assets = kubebuilderAssets();
if (assets === undefined) console.info('left out: deploy/agent.yaml, since KUBEBUILDER_ASSETS is not set');

const name = application('every-kind');
const kinds = [
  ...['ServiceAccount', 'Role', 'RoleBinding', 'ConfigMap', 'PersistentVolumeClaim', 'Service', 'Ingress'],
  ...['NetworkPolicy', 'HorizontalPodAutoscaler', 'PodDisruptionBudget'],
  ...['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'Namespace'],
];

const books = `apiVersion: v1
kind: PersistentVolume
metadata: { name: books }
spec:
  capacity: { storage: 1Gi }
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  hostPath: { path: /books }
`;

/** What this run does not ask for, and why the agent may all the same. */
const reserved: readonly { rights: RegExp; because: string }[] = [
  { rights: /^get /, because: 'an object that was there before, or was changed by somebody, is looked at first' },
  { rights: /^(list|watch) batch\/cronjobs$/, because: 'Kubernetes 1.20 serves it under a version of its own' },
  { rights: /^list metrics\.k8s\.io\/nodes$/, because: 'no metrics-server runs here' },
];
/** What Kubernetes lets every ServiceAccount do. */
const ofEverybody = /selfsubjectaccessreviews|selfsubjectrulesreviews/;

const leastRights = () =>
  rbacText(['--from', join(import.meta.dirname, 'every-kind.yaml')], (file) => readFile(file, 'utf8'));

describe.skipIf(assets === undefined)('deploy/agent.yaml, applied by kubectl on a real API server', () => {
  let cluster: OperatedCluster;
  let berth: LocalBerth;
  let agent: RunningAgent | undefined;
  const channels: RpcChannel[] = [];
  const as = (key: string): RpcChannel => {
    const channel = openChannel({
      address: berth.gateway.address,
      metadata: () => ({ authorization: `Bearer ${key}` }),
    });
    channels.push(channel);
    return channel;
  };

  beforeAll(async () => {
    const database = await startTestDatabase();
    berth = await startLocalBerth({
      database: { urlFor: (role) => database.urlFor(role), close: () => database.close() },
    });
    cluster = await startOperatedCluster(assets ?? '');
    const operator = as(berth.keys.operator).client(wire.ClusterService);
    const { enrolmentToken } = await operator.registerCluster({ clusterId: 'operated', cluster: { region: 'eu' } });
    // the least for this application; deploy/agent.yaml has all of it and more (apps/agent/rbac/command.spec.ts)
    const places = { hub: berth.hub.address, token: enrolmentToken?.token ?? '' };
    agent = await cluster.deployAgent(places, await leastRights());
    const reported = async () => {
      const { phase, inventory } = await operator.getCluster({ name: 'clusters/operated' });
      return (phase === wire.ClusterPhase.READY && inventory?.nodes === 2) || undefined;
    };
    await until('the cluster has reported its nodes', reported, 60_000);
  });
  afterAll(async () => {
    for (const channel of channels) channel.close();
    await agent?.close();
    await berth?.close();
    await cluster?.close();
  });

  it('gives the agent the rights to bring each kind to ready, and to take it away with its namespace', async () => {
    await cluster.kubectl(['apply', '-f', '-'], books);
    const tenant = as(berth.keys.owner);
    const applications = tenant.client(wire.ApplicationService);
    const content = await readFile(join(import.meta.dirname, 'every-kind.yaml'), 'utf8');
    await applications.applyApplication({ name, source: { case: 'manifests', value: { content } } });
    const ready = await watchUntil({ applications }, name, (found) => phaseOf(found) === wire.Phase.READY);
    const objects = ready.environments.flatMap(({ components }) =>
      components.flatMap((component) => component.clusters.flatMap((each) => each.objects)),
    );
    expect([...new Set(objects.map(({ kind }) => kind))].sort()).toEqual([...kinds].sort());

    await applications.deleteApplication({ name });
    await watchUntilGone({ applications }, name);
    expect(await heldObjects('operated', cluster.kubeconfig)).toEqual([]);
    const namespaces = await cluster.kubectl(['get', 'namespaces', '--output=name']);
    expect(namespaces.split('\n')).toContain('namespace/berth-agent');
    expect(namespaces).not.toMatch(/berth-(?!agent)/);
  }, 200_000);

  it('gives it no more: secrets cannot be written, nothing can be run in a pod, roles cannot grant what it lacks', async () => {
    const agentMay = (...args: string[]) =>
      cluster.kubectl(['auth', 'can-i', ...args, '--as=system:serviceaccount:berth-agent:berth-agent']);
    for (const request of [
      ['create', 'secrets'],
      ['create', 'pods', '--subresource=exec'],
      ['delete', 'nodes'],
      ['create', 'clusterrolebindings.rbac.authorization.k8s.io'],
      ['escalate', 'roles.rbac.authorization.k8s.io'],
    ])
      await expect(agentMay(...request), request.join(' ')).rejects.toThrow(/ended with 1/);
    expect(await agentMay('list', 'secrets')).toMatch(/^yes/);
  });

  it('gives it no right that it has no use for', async () => {
    await agent?.close(); // its watches are in the log once they have ended
    agent = undefined;
    const used = await usedAccordingTo(cluster.auditLog);
    const granted = grantedBy(await leastRights());
    const unused = granted.filter((right) => !used.has(right));
    console.info(`rights granted: ${granted.length}, used in this run: ${granted.length - unused.length}`);
    expect(unused.filter((right) => !reserved.some(({ rights }) => rights.test(right)))).toEqual([]);
    const lacking = [...used].filter((right) => !granted.includes(right));
    expect(lacking.filter((right) => !ofEverybody.test(right) && !right.startsWith('list '))).toEqual([]);
  });
});
