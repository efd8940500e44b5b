import { afterEach, describe, expect, it } from 'vitest';
import { aDeployment, type Caller, deploymentPath, eventually, hollow, type Seen } from './member.suite.js';
import type { Pod } from './objects.js';

describe('workloads on nodes that pretend', () => {
  let cluster: Caller;
  afterEach(() => cluster.cluster.close());
  const pods = async (labels = 'app=web'): Promise<Seen[]> =>
    (await cluster.get(`/api/v1/namespaces/default/pods?labelSelector=${labels}`)).body.items;
  const ready = (name = 'web') =>
    eventually(async () => {
      const { body } = await cluster.get(deploymentPath(name));
      const { status, spec, metadata } = body;
      const done = status.observedGeneration === metadata.generation && status.updatedReplicas === spec.replicas;
      return done && status.replicas === spec.replicas && status.availableReplicas === spec.replicas ? body : undefined;
    });

  it('takes a Deployment through a ReplicaSet to ready pods spread over nodes', async () => {
    cluster = await hollow();
    await cluster.apply(
      deploymentPath(),
      aDeployment((spec) => {
        spec.replicas = 3;
      }),
    );
    const { status } = await ready();
    expect(status.conditions?.map((one: { type: string; status: string }) => `${one.type}=${one.status}`)).toEqual([
      'Available=True',
      'Progressing=True',
    ]);
    const running = await pods();
    expect(new Set(running.map((pod) => pod.spec.nodeName)).size).toBe(3);
    expect(running[0]?.metadata.ownerReferences[0]?.kind).toBe('ReplicaSet');
  });

  it('never goes under availability, nor over the surge, while it rolls', async () => {
    cluster = await hollow();
    const rolling = (image: string) =>
      aDeployment((spec) => {
        spec.replicas = 6;
        spec.strategy = { rollingUpdate: { maxSurge: 2, maxUnavailable: 1 } };
        spec.template.spec.containers[0].image = image;
      });
    await cluster.apply(deploymentPath(), rolling('app:1'));
    await ready();
    let least = 6;
    let most = 0;
    const stop = cluster.cluster.store.listen('all', ({ resource }) => {
      if (resource.kind !== 'Pod') return;
      const all = [...cluster.cluster.store.objects(resource, 'default')] as Pod[];
      const alive = all.filter((pod) => pod.metadata.deletionTimestamp === undefined);
      const good = alive.filter((pod) =>
        pod.status?.conditions?.some(
          (one: { type: string; status: string }) => one.type === 'Ready' && one.status === 'True',
        ),
      );
      least = Math.min(least, good.length);
      most = Math.max(most, alive.length);
    });
    await cluster.apply(deploymentPath(), rolling('app:2'));
    const rolled = await ready();
    stop();
    expect(rolled.metadata.annotations['deployment.kubernetes.io/revision']).toBe('2');
    expect(least).toBeGreaterThanOrEqual(5);
    expect(most).toBeLessThanOrEqual(8);
    expect(
      (await pods()).every((pod) => pod.spec.containers[0].image === 'app:2' || pod.metadata.deletionTimestamp),
    ).toBe(true);
  });

  it('keeps the old pods when the new image cannot be pulled', async () => {
    cluster = await hollow();
    await cluster.apply(deploymentPath(), aDeployment());
    await ready();
    cluster.cluster.failImage('app:broken');
    await cluster.apply(
      deploymentPath(),
      aDeployment((spec) => {
        spec.template.spec.containers[0].image = 'app:broken';
      }),
    );
    const stuck = await eventually(async () =>
      (await pods()).find((pod) => pod.status.containerStatuses?.[0]?.state.waiting?.reason === 'ImagePullBackOff'),
    );
    expect(stuck.status.phase).toBe('Pending');
    expect((await cluster.get(deploymentPath())).body.status.availableReplicas).toBe(2);
  });

  it('leaves pods Pending with the reason when no node has room, and runs them once there is', async () => {
    cluster = await hollow({ nodes: [{ name: 'only', cpu: '1', memory: '1Gi' }] });
    await cluster.apply(
      deploymentPath(),
      aDeployment((spec) => {
        spec.template.spec.containers[0].resources.requests.cpu = '600m';
      }),
    );
    const waiting = await eventually(async () =>
      (await pods()).find((pod) =>
        pod.status?.conditions?.some((one: { reason?: string }) => one.reason === 'Unschedulable'),
      ),
    );
    expect(waiting.status.conditions?.[0]).toMatchObject({
      type: 'PodScheduled',
      status: 'False',
      message: '0/1 nodes are available: 1 Insufficient cpu.',
    });
    await cluster.call('POST', '/api/v1/nodes', {
      metadata: { name: 'more' },
      status: { allocatable: { cpu: '2', memory: '2Gi', pods: '10' } },
    });
    await ready();
  });

  it('honours NoSchedule taints and node selectors', async () => {
    cluster = await hollow({
      nodes: [
        { name: 'tainted', cpu: '8', memory: '8Gi', taints: [{ key: 'gpu', effect: 'NoSchedule' }] },
        { name: 'plain', cpu: '4', memory: '4Gi', labels: { disk: 'ssd' } },
        { name: 'slow', cpu: '8', memory: '8Gi' },
      ],
    });
    await cluster.apply(
      deploymentPath(),
      aDeployment((spec) => {
        spec.template.spec.nodeSelector = { disk: 'ssd' };
      }),
    );
    await ready();
    expect((await pods()).map((pod) => pod.spec.nodeName)).toEqual(['plain', 'plain']);
  });

  it('shows pods of a node that went away as not ready', async () => {
    cluster = await hollow({ nodes: { count: 1, cpu: '4', memory: '8Gi' } });
    await cluster.apply(deploymentPath(), aDeployment());
    await ready();
    cluster.cluster.setNodeReady('spec-0', false);
    await eventually(async () =>
      (await cluster.get(deploymentPath())).body.status.readyReplicas === undefined ? true : undefined,
    );
    cluster.cluster.setNodeReady('spec-0', true);
    await ready();
  });

  it('evicts pods from a node that stays away, and loses them only when it is back or deleted', async () => {
    cluster = await hollow();
    const soon = ['not-ready', 'unreachable'].map((what) => ({
      key: `node.kubernetes.io/${what}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 0,
    }));
    await cluster.apply(
      deploymentPath(),
      aDeployment((spec) => {
        spec.replicas = 3;
        Object.assign(spec.template.spec, { tolerations: soon });
      }),
    );
    await ready();
    cluster.cluster.setNodeReady('spec-0', false);
    const isLost = (pod: Seen) => pod.spec.nodeName === 'spec-0' && pod.metadata.deletionTimestamp !== undefined;
    await eventually(async () => ((await pods()).some(isLost) ? true : undefined));
    await ready();
    expect((await pods()).filter(isLost)).toHaveLength(1);
    await cluster.call('DELETE', '/api/v1/nodes/spec-0');
    await eventually(async () => ((await pods()).length === 3 ? true : undefined));
  });

  it('makes stateful pods in order and names them by ordinal', async () => {
    cluster = await hollow();
    const { spec } = aDeployment((given) => {
      given.replicas = 3;
    });
    const claim = {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    const path = '/apis/apps/v1/namespaces/default/statefulsets/web';
    const body = {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'web' },
      spec: { ...spec, serviceName: 'web', volumeClaimTemplates: [claim] },
    };
    const order: string[] = [];
    cluster.cluster.store.listen('all', ({ type, object }) => {
      if (type === 'ADDED' && object.kind === 'Pod') order.push(object.metadata.name);
    });
    expect((await cluster.apply(path, body)).code).toBe(201);
    await eventually(async () => ((await cluster.get(path)).body.status.readyReplicas === 3 ? true : undefined));
    expect(order).toEqual(['web-0', 'web-1', 'web-2']);
    const claims = await cluster.get('/api/v1/namespaces/default/persistentvolumeclaims');
    expect(claims.body.items.map((one: Seen) => `${one.metadata.name} ${one.status.phase}`)).toEqual([
      'data-web-0 Bound',
      'data-web-1 Bound',
      'data-web-2 Bound',
    ]);
  });

  it('runs a daemon on every node and a Job to its end', async () => {
    cluster = await hollow();
    const { selector, template } = aDeployment().spec;
    const daemons = '/apis/apps/v1/namespaces/default/daemonsets/web';
    await cluster.apply(daemons, {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'web' },
      spec: { selector, template },
    });
    await eventually(async () => ((await cluster.get(daemons)).body.status.numberReady === 3 ? true : undefined));
    const jobs = '/apis/batch/v1/namespaces/default/jobs/once';
    const job = {
      completions: 3,
      parallelism: 2,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'job:1' }] } },
    };
    await cluster.apply(jobs, { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec: job });
    const done = await eventually(async () => {
      const { body } = await cluster.get(jobs);
      return body.status.conditions?.some((one: { type: string }) => one.type === 'Complete') ? body : undefined;
    });
    expect(done.status).toMatchObject({ succeeded: 3 });
    expect(
      (await cluster.apply(jobs, { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec: job })).code,
    ).toBe(200);
  });

  it('prints nothing more once a Job is done', async () => {
    cluster = await hollow({ logs: { everyMs: 1 } });
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'job:1' }] } };
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec: { template } };
    await cluster.apply('/apis/batch/v1/namespaces/default/jobs/once', job);
    const done = await eventually(async () =>
      (await pods('job-name=once')).find(({ status }) => status.phase === 'Succeeded'),
    );
    const log = `/api/v1/namespaces/default/pods/${done.metadata.name}/log`;
    const before = await cluster.text(log);
    expect(before).toContain('line 0 of c');
    const readAt = Date.now();
    await eventually(() => Date.now() > readAt + 20 || undefined);
    expect(await cluster.text(log)).toBe(before);
  });
});
