import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { berthLabels, type JsonObject } from '#domain';
import type { Flavour, TestMembers } from '../../../test/kubernetes/members.js';
import { connectCluster, type KubeClient } from '../client/client.js';
import { FieldManagerConflict, PreconditionConflict } from '../client/errors.js';
import { at, listAt } from '../client/objects.js';
import { kubeMember } from './kube-member.js';
import type { MemberCluster, Ordered } from './port.js';

const labels = { [berthLabels.managedBy]: berthLabels.managedByValue, [berthLabels.work]: 'w' };
const stamp = { labels, annotations: { 'berth.dev/digest': 'd' } };
const namespace = 'berth-care';

const configMap = (name: string, data: Record<string, string>): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});

const deployment = (name: string, replicas?: number): JsonObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: {
    ...(replicas === undefined ? {} : { replicas }),
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'main', image: 'registry.example/app:1' }] },
    },
  },
});

/** What the member can do to one object with care, the same on every sort of cluster. */
export function describeObjectCare(flavour: Flavour): void {
  describe(`care for objects: ${flavour.name}`, () => {
    let members: TestMembers;
    let member: MemberCluster;
    let other: KubeClient;
    beforeAll(async () => {
      members = await flavour.start(['care'], { count: 1, cpu: '4', memory: '8Gi' });
      const [first] = members.members;
      if (first === undefined) throw new Error('no member was started');
      member = kubeMember(await connectCluster(first.access, { userAgent: 'berth-agent/test' }));
      other = await connectCluster(first.access, { userAgent: 'kubectl-edit/1' });
      await member.ensureNamespace(namespace);
    });
    afterAll(async () => {
      await member?.close();
      await other?.close();
      await members?.close();
    });
    const look = (manifest: JsonObject) => member.lookAt({ manifest, stamp } satisfies Ordered);
    const refOf = (kind: 'ConfigMap' | 'Deployment', name: string) => ({
      ...{ apiVersion: kind === 'ConfigMap' ? 'v1' : 'apps/v1', kind, namespace, name },
    });

    it('creates in one call what is not there, and writes nothing over what is', async () => {
      const manifest = configMap('first', { a: 'ours' });
      expect(await member.applyObject(manifest, stamp, { expect: 'absent' })).toMatchObject({ created: true });
      await other.apply(configMap('theirs', { b: '1' }), { fieldManager: 'somebody' });
      const before = await other.get(refOf('ConfigMap', 'theirs'));
      for (const data of [{ a: 'ours' }, { b: 'ours' }]) {
        const refusal = await member
          .applyObject(configMap('theirs', data), stamp, { expect: 'absent' })
          .catch((error: unknown) => error);
        expect(refusal instanceof PreconditionConflict || refusal instanceof FieldManagerConflict).toBe(true);
      }
      expect(await other.get(refOf('ConfigMap', 'theirs'))).toEqual(before);
      expect(await look(configMap('theirs', { b: 'ours' }))).toMatchObject({
        isApplied: false,
        appliers: ['somebody'],
      });
      expect(await look(configMap('nowhere', {}))).toBeUndefined();
    });

    it('writes only the object of that uid, at that version', async () => {
      const made = await member.applyObject(configMap('exact', { a: '1' }), stamp, { expect: 'absent' });
      const next = configMap('exact', { a: '2' });
      const wrongUid = { uid: '00000000-0000-4000-8000-000000000000' };
      await expect(member.applyObject(next, stamp, { expect: wrongUid })).rejects.toBeInstanceOf(PreconditionConflict);
      const gone = configMap('gone', {});
      await expect(member.applyObject(gone, stamp, { expect: wrongUid })).rejects.toBeInstanceOf(PreconditionConflict);
      await other.patchMerge(made, { metadata: { labels: { theirs: '1' } } });
      await expect(member.applyObject(next, stamp, { expect: made })).rejects.toBeInstanceOf(PreconditionConflict);
      expect(await member.applyObject(next, stamp, { expect: { uid: made.uid } })).toMatchObject({ created: false });
    });

    it('tells which ordered field somebody has changed or removed, what it was and whose it is', async () => {
      const manifest = configMap('edited', { a: '1', b: '1', c: '1' });
      const made = await member.applyObject(manifest, stamp, { expect: 'absent' });
      expect((await look(manifest))?.lost).toEqual([]);
      await other.patchMerge(made, { data: { a: 'theirs', b: null } });
      const lost = (await look(manifest))?.lost ?? [];
      expect(lost).toMatchObject([
        { path: '.data.a', ordered: '1', found: 'theirs', holders: [{ manager: 'kubectl-edit', operation: 'Update' }] },
        { path: '.data.b', ordered: '1', found: undefined, holders: [] },
      ]);
      expect(lost[0]?.holders[0]?.at).toBeGreaterThan(0);
    });

    it('has nothing lost of a workload that nobody has changed, and finds a scaled one', async () => {
      const manifest = deployment('whole', 2);
      const made = await member.applyObject(manifest, stamp, { expect: 'absent' });
      expect((await look(manifest))?.lost).toEqual([]);
      await other.patchMerge(made, { spec: { replicas: 3 } }, { subresource: 'scale' });
      expect((await look(manifest))?.lost).toMatchObject([{ path: '.spec.replicas', ordered: 2, found: 3 }]);
    });

    it('hands the number of replicas over and back, and never resets it', async () => {
      const made = await member.applyObject(deployment('handed', 5), stamp, { expect: 'absent' });
      await member.shareReplicas(made, 5);
      await member.applyObject(deployment('handed'), stamp, { expect: { uid: made.uid } });
      expect(await look(deployment('handed'))).toMatchObject({ replicas: 5, hasReplicas: false });
      await other.patchMerge(made, { spec: { replicas: 7 } }, { subresource: 'scale' });
      await member.applyObject(deployment('handed'), stamp, { expect: { uid: made.uid } });
      expect(await look(deployment('handed'))).toMatchObject({ replicas: 7, hasReplicas: false });
      await member.takeReplicas(made, 4);
      await member.applyObject(deployment('handed', 4), stamp, { expect: { uid: made.uid } });
      await member.releaseReplicas(made);
      expect(await look(deployment('handed', 4))).toMatchObject({ replicas: 4, hasReplicas: true, lost: [] });
    });

    it('tells a change that can not be made from an object that can not be', async () => {
      const changed = deployment('whole', 2);
      const spec = { ...(changed.spec as JsonObject), replicas: -1 };
      expect(await member.isCreatable({ manifest: changed, stamp })).toBe(true);
      expect(await member.isCreatable({ manifest: { ...changed, spec }, stamp })).toBe(false);
    });

    it('lets an object go: without its marks, and all else as it was', async () => {
      const foreign = configMap('adopted', { a: '1', b: '1' });
      const metadata = { name: 'adopted', namespace, labels: { mine: '1', [berthLabels.managedBy]: 'Helm' } };
      await other.apply({ ...foreign, metadata }, { fieldManager: 'helm' });
      const before = await other.get(refOf('ConfigMap', 'adopted'));
      const marks = { 'berth.dev/adopted': 'true', 'berth.dev/managed-before': 'Helm' };
      const { uid } = await member.applyObject(foreign, { labels, annotations: marks }, { force: true });
      expect(await member.letGo({ ...refOf('ConfigMap', 'adopted'), uid: 'another' })).toMatchObject({
        outcome: 'replaced',
      });
      expect(await member.letGo({ ...refOf('ConfigMap', 'adopted'), uid })).toMatchObject({ outcome: 'let-go' });
      const after = await other.get(refOf('ConfigMap', 'adopted'));
      expect(after.data).toEqual(before.data);
      expect(at(after, 'metadata', 'labels')).toEqual(at(before, 'metadata', 'labels'));
      expect(at(after, 'metadata', 'annotations') ?? {}).toEqual({});
      expect(at(after, 'metadata', 'uid')).toBe(uid);
      expect(
        listAt(after, 'metadata', 'managedFields').map((entry) => `${entry.manager} ${entry.operation}`),
      ).not.toContain('berth Apply');
      expect(await member.letGo({ ...refOf('ConfigMap', 'nothing'), uid })).toMatchObject({ outcome: 'absent' });
    });

    it('lets an object go of which nobody else has anything', async () => {
      const made = await member.applyObject(configMap('sole', { a: '1' }), stamp, { expect: 'absent' });
      expect(await member.letGo(made)).toMatchObject({ outcome: 'let-go' });
      const after = await other.get(made);
      expect(after.data).toEqual({ a: '1' });
      expect(JSON.stringify(at(after, 'metadata') ?? {})).not.toContain('"berth"');
      expect(await look(configMap('sole', { a: '1' }))).toMatchObject({ isApplied: false });
    });
  });
}
