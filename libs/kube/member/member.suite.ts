import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { berthLabels, type JsonObject } from '#domain';
import { type CutLine, cutLineTo } from '../../../test/kubernetes/cut-line.js';
import type { Traits } from '../../../test/kubernetes/members.js';
import { until } from '../../../test/kubernetes/until.js';
import { connectCluster, type KubeClient } from '../client/client.js';
import type { ClusterAccess } from '../client/credentials.js';
import {
  ClusterUnreachable,
  FieldManagerConflict,
  InvalidObject,
  isNotFound,
  SchemaRefusal,
} from '../client/errors.js';
import { type ObjectChange } from '../client/kept-objects.js';
import { listAt, textAt } from '../client/objects.js';
import { reflect } from '../client/reflector.js';
import { schemaMismatches } from '../model/schema.js';
import { kubeMember } from './kube-member.js';
import { type MemberCluster, NamespaceNotOurs, type OwnedWatch } from './port.js';
import { workStatus } from './work-status.js';

/** A cluster to try the adapter on: its nodes ready, 4 CPUs or more each. */
export interface TriedCluster {
  access: ClusterAccess & { kind: 'token' };
  nodes: number;
  failImage(pattern: RegExp): () => void;
  loseHistory(): Promise<void>;
  close(): Promise<void>;
}

const configMap = (namespace: string, name: string, data: Record<string, string>): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});

const deployment = (namespace: string, name: string, workId: string, image = 'registry.example/app:1'): JsonObject => {
  const labels = { app: name, [berthLabels.work]: workId };
  const container: JsonObject = {
    name: 'app',
    image,
    resources: { requests: { cpu: '100m', memory: '64Mi' } },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { [berthLabels.work]: workId } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
};

const ours = { labels: { [berthLabels.managedBy]: berthLabels.managedByValue } };

/** The port's contract, run unchanged against everything that claims to speak Kubernetes' API. */
export function describeMemberCluster(name: string, traits: Traits, factory: () => Promise<TriedCluster>): void {
  describe(`member cluster: ${name}`, () => {
    let cluster: TriedCluster;
    let client: KubeClient;
    let member: MemberCluster;
    let names = 0;
    const namespaces = new Map<string, string>();

    const freshNamespace = async (): Promise<string> => {
      names += 1;
      const namespace = `berth-suite${names}`;
      const { uid } = await member.ensureNamespace(namespace);
      namespaces.set(namespace, uid);
      return namespace;
    };

    beforeAll(async () => {
      cluster = await factory();
      client = await connectCluster(cluster.access, { userAgent: 'berth-suite' });
      member = kubeMember(client);
    });
    afterAll(async () => {
      await member?.close();
      await cluster?.close();
    });

    describe('applying', () => {
      it('creates, updates, and leaves the resourceVersion alone when nothing changes', async () => {
        const namespace = await freshNamespace();
        const created = await member.applyObject(configMap(namespace, 'settings', { a: '1' }), ours);
        expect(created).toMatchObject({ kind: 'ConfigMap', namespace, name: 'settings', created: true });
        const repeated = await member.applyObject(configMap(namespace, 'settings', { a: '1' }), ours);
        expect(repeated).toEqual({ ...created, created: false });
        const updated = await member.applyObject(configMap(namespace, 'settings', { a: '2' }), ours);
        expect(updated.uid).toBe(created.uid);
        expect(updated.resourceVersion).not.toBe(created.resourceVersion);
      });

      it('removes fields that it no longer sets and keeps those of others', async () => {
        const namespace = await freshNamespace();
        const ref = await member.applyObject(configMap(namespace, 'settings', { a: '1', b: '1' }), ours);
        await client.apply(configMap(namespace, 'settings', { c: '1' }), { fieldManager: 'another' });
        await member.applyObject(configMap(namespace, 'settings', { a: '1' }), ours);
        expect((await client.get(ref)).data).toEqual({ a: '1', c: '1' });
      });

      it('names the manager and the path of a field that another owns', async () => {
        const namespace = await freshNamespace();
        await client.apply(configMap(namespace, 'settings', { a: 'theirs' }), { fieldManager: 'another' });
        const conflict = await member
          .applyObject(configMap(namespace, 'settings', { a: 'ours' }))
          .catch((e: unknown) => e);
        expect(conflict).toBeInstanceOf(FieldManagerConflict);
        expect(conflict).toMatchObject({ owners: [{ manager: 'another', fieldPath: '.data.a' }] });
        const kept = await client.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'settings' });
        expect(kept.data).toEqual({ a: 'theirs' });
      });

      it('names each wrong field', async () => {
        const namespace = await freshNamespace();
        const wrong = deployment(namespace, 'wrong', 'w-wrong');
        const spec = { ...(wrong.spec as JsonObject), replicas: -1 };
        const refusal = await member.applyObject({ ...wrong, spec }).catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(InvalidObject);
        expect(refusal).toMatchObject({ fields: [expect.objectContaining({ field: 'spec.replicas' })] });
      });

      it('names a field that the schema lacks', async () => {
        const namespace = await freshNamespace();
        const wrong = deployment(namespace, 'wrong', 'w-wrong');
        const refusal = await member
          .applyObject({ ...wrong, spec: { ...(wrong.spec as JsonObject), replicaz: 1 } })
          .catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(SchemaRefusal);
        expect(refusal).toMatchObject({ fields: [{ fieldPath: '.spec.replicaz', missingKey: undefined }] });
      });

      it('says what is missing when the namespace is not there', async () => {
        const lost = await member
          .applyObject(configMap('berth-nowhere', 'settings', {}))
          .catch((error: unknown) => error);
        expect(isNotFound(lost)).toBe(true);
      });

      it(`${traits.defaultsPortProtocol ? 'takes' : 'refuses'} a Service port without protocol`, async () => {
        const namespace = await freshNamespace();
        const service = {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'web', namespace },
          spec: { ports: [{ port: 80 }], selector: { app: 'web' } },
        };
        const outcome = await member.applyObject(service).catch((error: unknown) => error);
        if (traits.defaultsPortProtocol) expect(outcome).toMatchObject({ kind: 'Service', created: true });
        else expect(outcome).toMatchObject({ fields: [{ fieldPath: '.spec.ports', missingKey: 'protocol' }] });
      });
    });

    describe('deleting', () => {
      it('deletes the object of that uid and no other', async () => {
        const namespace = await freshNamespace();
        const first = await member.applyObject(configMap(namespace, 'settings', {}), ours);
        const other = '00000000-0000-4000-8000-000000000000';
        expect(await member.deleteObject({ ...first, uid: other })).toMatchObject({ outcome: 'replaced' });
        expect(textAt(await client.get(first), 'metadata', 'uid')).toBe(first.uid);
        expect(await member.deleteObject(first)).toMatchObject({ outcome: 'deleted' });
        expect(await member.deleteObject(first)).toMatchObject({ outcome: 'absent' });
        const second = await member.applyObject(configMap(namespace, 'settings', {}), ours);
        expect(await member.deleteObject(first)).toMatchObject({ outcome: 'replaced' });
        expect(textAt(await client.get(second), 'metadata', 'uid')).toBe(second.uid);
      });

      it('says that an object with a finalizer is on its way', async () => {
        const namespace = await freshNamespace();
        const held = configMap(namespace, 'held', {});
        held.metadata = { name: 'held', namespace, finalizers: ['suite.berth.dev/hold'] };
        const ref = await member.applyObject(held, ours);
        expect(await member.deleteObject(ref)).toMatchObject({ outcome: 'deleting' });
        await client.patchMerge(ref, { metadata: { finalizers: null } });
        await until('the object is gone', async () =>
          (await member.deleteObject(ref)).outcome === 'absent' ? true : undefined,
        );
      });
    });

    describe('namespaces', () => {
      it('are kept while anything is left in them, and name it', async () => {
        const namespace = await freshNamespace();
        const target = {
          apiVersion: 'v1',
          kind: 'Namespace',
          namespace: '',
          name: namespace,
          uid: namespaces.get(namespace) ?? '',
        };
        const { object } = await client.apply(configMap(namespace, 'precious', { a: '1' }), {
          fieldManager: 'another',
        });
        expect(await member.deleteObject(target)).toMatchObject({
          outcome: 'foreign-left',
          left: [{ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'precious' }],
        });
        expect(await client.get(target)).toMatchObject({ status: { phase: 'Active' } });
        const uid = textAt(object, 'metadata', 'uid');
        await member.deleteObject({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'precious', uid });
        await member.deleteObject(target);
        await until('the namespace is gone', async () =>
          (await member.deleteObject(target)).outcome === 'absent' ? true : undefined,
        );
      });

      it('are not taken over from others', async () => {
        await client.apply(
          { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'suite-theirs' } },
          { fieldManager: 'another' },
        );
        await expect(member.ensureNamespace('suite-theirs')).rejects.toBeInstanceOf(NamespaceNotOurs);
      });

      it('keep their uid and take new labels', async () => {
        const namespace = await freshNamespace();
        const again = await member.ensureNamespace(namespace, { [berthLabels.environment]: 'env1' });
        expect(again).toMatchObject({ uid: namespaces.get(namespace), created: false });
        const stored = await client.get(again);
        expect(textAt(stored, 'metadata', 'labels', berthLabels.environment)).toBe('env1');
      });
    });

    describe('following', () => {
      const life = new AbortController();
      let owned: OwnedWatch;
      const touched: string[] = [];

      beforeAll(async () => {
        owned = member.watchOwned({ onChange: (workId) => touched.push(workId), signal: life.signal });
        await owned.synced;
      });
      afterAll(() => life.abort(new Error('the suite is over')));

      const statusOf = (workId: string) => workStatus(owned.objectsOf(workId), owned.podsOf(workId));

      it('tells how a Deployment becomes ready, and that it is gone', async () => {
        const namespace = await freshNamespace();
        const before = await member.inventory();
        const ref = await member.applyObject(deployment(namespace, 'web', 'w-web'), ours);
        await until('the work is seen', () => touched.includes('w-web') || undefined);
        const ready = await until(
          'the work is ready',
          () => {
            const status = statusOf('w-web');
            return status.phase === 'ready' && status.replicas.ready === 2 ? status : undefined;
          },
          60_000,
        );
        expect(ready.replicas).toEqual({ desired: 2, updated: 2, ready: 2, unavailable: 0, restarts: 0 });
        expect(ready.objects).toMatchObject([
          { kind: 'Deployment', namespace, name: 'web', uid: ref.uid, ready: true },
        ]);

        const during = await member.inventory();
        expect(during.berthRequests).toEqual({
          mcpu: before.berthRequests.mcpu + 200,
          memoryBytes: before.berthRequests.memoryBytes + 2 * 64 * 2 ** 20,
          pods: before.berthRequests.pods + 2,
        });

        expect(await member.deleteObject(ref)).toMatchObject({ outcome: 'deleted' });
        await until('nothing of the work is left', () => (owned.works().includes('w-web') ? undefined : true), 60_000);
        expect((await member.inventory()).berthRequests).toEqual(before.berthRequests);
      });

      it('names why pods do not start: no room', async () => {
        const namespace = await freshNamespace();
        const greedy = deployment(namespace, 'greedy', 'w-greedy');
        const containers = [{ name: 'app', image: 'registry.example/app:1', resources: { requests: { cpu: '900' } } }];
        const template = {
          metadata: { labels: { app: 'greedy', [berthLabels.work]: 'w-greedy' } },
          spec: { containers },
        };
        greedy.spec = { ...(greedy.spec as JsonObject), template };
        await member.applyObject(greedy, ours);
        const status = await until(
          'the reason is told',
          () => {
            const seen = statusOf('w-greedy');
            return seen.reasons.some((each) => each.reason === 'Unschedulable' && each.count === 2) ? seen : undefined;
          },
          60_000,
        );
        expect(status.phase).toBe('degraded');
        expect(status.reasons).toContainEqual(expect.objectContaining({ reason: 'Unschedulable', count: 2 }));
      });

      it('names why pods do not start: an image that cannot be pulled', async () => {
        const namespace = await freshNamespace();
        const heal = cluster.failImage(/registry\.invalid/);
        await member.applyObject(deployment(namespace, 'broken', 'w-broken', 'registry.invalid/none:1'), ours);
        const status = await until(
          'the reason is told',
          () => {
            const seen = statusOf('w-broken');
            return seen.reasons.some((each) => /^(ErrImagePull|ImagePullBackOff)$/.test(each.reason))
              ? seen
              : undefined;
          },
          60_000,
        );
        expect(status.phase).toBe('degraded');
        heal();
        await until('the image is there again', () => statusOf('w-broken').phase === 'ready' || undefined, 60_000);
      });
    });

    describe('capacity', () => {
      it('adds up what nodes give and counts them in classes', async () => {
        const inventory = await member.inventory();
        expect(inventory.nodes).toBe(cluster.nodes);
        expect(inventory.readyNodes).toBe(cluster.nodes);
        const listed: JsonObject[] = [];
        for await (const page of client.list({ apiVersion: 'v1', kind: 'Node' })) listed.push(...page.items);
        expect(inventory.allocatable.pods).toBe(
          listed.reduce((sum, node) => sum + Number(textAt(node, 'status', 'allocatable', 'pods')), 0),
        );
        expect(inventory.classes.reduce((sum, each) => sum + each.nodes, 0)).toBe(cluster.nodes);
        const free = inventory.classes.reduce((sum, each) => sum + each.nodes * each.free.mcpu, 0);
        const used = inventory.berthRequests.mcpu + inventory.foreignRequests.mcpu;
        expect(free).toBeLessThanOrEqual(inventory.allocatable.mcpu);
        expect(free).toBeGreaterThanOrEqual(inventory.allocatable.mcpu - used);
        expect(inventory.kinds).toContain('apps/v1/Deployment');
        expect(inventory.serverVersion).toMatch(/^v1\.\d+/);
        expect(await member.clusterUid()).toMatch(/^[0-9a-f-]{36}$/);
      });
    });

    describe('schema', () => {
      it('declares what Berth renders, in little room, under one digest', async () => {
        const { schema, digest } = await member.schema();
        expect(await member.schema()).toEqual({ schema, digest });
        expect((await member.inventory()).schemaDigest).toBe(digest);
        expect(JSON.stringify(schema).length).toBeLessThan(120_000);
        expect(schemaMismatches([deployment('any', 'web', 'w')], schema)).toEqual([]);
      });

      it(`${traits.grpcProbes ? 'knows' : 'lacks'} gRPC probes, as applying shows`, async () => {
        const namespace = await freshNamespace();
        const probing = deployment(namespace, 'probing', 'w-probing');
        const containers = [{ name: 'app', image: 'registry.example/app:1', readinessProbe: { grpc: { port: 80 } } }];
        const template = { metadata: { labels: { app: 'probing' } }, spec: { containers } };
        probing.spec = { ...(probing.spec as JsonObject), replicas: 0, template };
        const predicted = schemaMismatches([probing], (await member.schema()).schema);
        const path = 'spec.template.spec.containers[0].readinessProbe.grpc';
        expect(predicted).toEqual(traits.grpcProbes ? [] : [{ kind: 'apps/v1/Deployment', path }]);
        const outcome = await member.applyObject(probing).catch((error: unknown) => error);
        expect(outcome instanceof SchemaRefusal).toBe(!traits.grpcProbes);
      });
    });

    describe('a watch', () => {
      let line: CutLine;
      let cutClient: KubeClient;
      beforeEach(async () => {
        line = await cutLineTo(cluster.access.url);
        cutClient = await connectCluster({ ...cluster.access, url: line.url }, { userAgent: 'berth-suite' });
      });
      afterEach(async () => {
        await cutClient?.close();
        await line?.close();
      });

      it('is not needed to find dead connections: calls do too', async () => {
        const retries = { tries: 3, tryMs: 400 };
        const own = await connectCluster({ ...cluster.access, url: line.url }, { userAgent: 'berth-suite', retries });
        await Promise.all(Array.from({ length: 12 }, () => own.read('/version')));
        line.freezeOpen();
        await own.read('/version', { timeoutMs: 5_000 });
        await own.close();
      });

      const follow = (namespace: string, silenceMs: number) => {
        const life = new AbortController();
        const changes: string[] = [];
        const reflector = reflect<string>(cutClient, {
          kind: { apiVersion: 'v1', kind: 'ConfigMap' },
          namespace,
          labelSelector: 'suite=yes',
          keep: (_, id) => id.name,
          onChange: (change: ObjectChange<string>) => changes.push(`${change.type} ${change.kept}`),
          signal: life.signal,
          silenceMs,
        });
        return { changes, reflector, end: () => life.abort(new Error('the test is over')) };
      };
      const labelled = { labels: { suite: 'yes' } };
      const has = (changes: readonly string[], change: string) => () => changes.includes(change) || undefined;

      it('goes on where it was after the line was cut', async () => {
        const namespace = await freshNamespace();
        const { changes, reflector, end } = follow(namespace, 60_000);
        await reflector.synced;
        const one = await member.applyObject(configMap(namespace, 'one', {}), labelled);
        await until('the first is seen', has(changes, 'added one'));
        line.cut();
        await member.deleteObject(one);
        await member.applyObject(configMap(namespace, 'two', {}), labelled);
        line.mend();
        await until('the second is seen', has(changes, 'added two'));
        expect(changes).toEqual(['added one', 'deleted one', 'added two']);
        end();
        await reflector.done;
      });

      it('notices by itself that it went silent', async () => {
        const namespace = await freshNamespace();
        const { changes, reflector, end } = follow(namespace, 1_500);
        await reflector.synced;
        await member.applyObject(configMap(namespace, 'one', {}), labelled);
        await until('the watch is heard', has(changes, 'added one'));
        line.freezeOpen();
        await member.applyObject(configMap(namespace, 'two', {}), labelled);
        await until('what happened in the silence is seen', has(changes, 'added two'));
        expect(reflector.lists()).toBe(1);
        end();
        await reflector.done;
      });

      it('lists again after its place expired, and tells of what vanished meanwhile', async () => {
        const namespace = await freshNamespace();
        const { changes, reflector, end } = follow(namespace, 60_000);
        await reflector.synced;
        const one = await member.applyObject(configMap(namespace, 'one', {}), labelled);
        await until('the first is seen', has(changes, 'added one'));
        line.cut();
        await member.deleteObject(one);
        await member.applyObject(configMap(namespace, 'two', {}), labelled);
        await cluster.loseHistory();
        line.mend();
        await until('the second is seen', has(changes, 'added two'), 40_000);
        expect([...changes].sort()).toEqual(['added one', 'added two', 'deleted one']);
        expect(reflector.lists()).toBe(2);
        end();
        await reflector.done;
      });

      it('ends with what its listener threw', async () => {
        const namespace = await freshNamespace();
        const life = new AbortController();
        const reflector = reflect<string>(client, {
          kind: { apiVersion: 'v1', kind: 'ConfigMap' },
          namespace,
          labelSelector: 'suite=yes',
          keep: (_, id) => id.name,
          onChange: () => {
            throw new RangeError('a defect of the listener');
          },
          signal: life.signal,
        });
        await reflector.synced;
        await member.applyObject(configMap(namespace, 'one', {}), labelled);
        await expect(reflector.done).rejects.toThrow(RangeError);
        life.abort(new Error('the test is over'));
      });
    });

    it('says that a cluster is unreachable within the time given', async () => {
      const line = await cutLineTo(cluster.access.url);
      const through = await connectCluster({ ...cluster.access, url: line.url }, { userAgent: 'berth-suite' });
      line.cut();
      await expect(through.read('/version', { timeoutMs: 700 })).rejects.toBeInstanceOf(ClusterUnreachable);
      line.mend();
      line.freeze();
      await expect(through.read('/version', { timeoutMs: 700 })).rejects.toBeInstanceOf(ClusterUnreachable);
      await through.close();
      await line.close();
    });

    it('pages through lists from one moment', async () => {
      const namespace = await freshNamespace();
      for (const each of ['a', 'b', 'c', 'd', 'e'])
        await member.applyObject(configMap(namespace, each, {}), { labels: { suite: 'yes' } });
      const pages = [];
      const kind = { apiVersion: 'v1', kind: 'ConfigMap' };
      for await (const page of client.list(kind, { namespace, labelSelector: 'suite=yes', pageSize: 2 }))
        pages.push(page);
      expect(pages.map((page) => page.items.length)).toEqual([2, 2, 1]);
      expect(new Set(pages.map((page) => page.resourceVersion)).size).toBe(1);
      expect(
        listAt({ items: pages.flatMap((page) => page.items) }, 'items').map((item) => textAt(item, 'metadata', 'name')),
      ).toEqual(['a', 'b', 'c', 'd', 'e']);
    });
  });
}
