import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultObjectPolicy, type JsonObject, type Work } from '#domain';
import type { OwnedObject } from '#kube';
import { HeldWorks } from './held-works.js';
import { objectKey, wantedObjects } from './plan.js';

const id = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
const manifest = (name: string, value = '1'): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'n' },
  data: { value },
});
const aWork = (over: Partial<Work> = {}): Work => ({
  id: id(1),
  cluster: 'c',
  sequence: 1n,
  generation: 1n,
  namespace: 'n',
  environment: 'production',
  application: 'a',
  component: 'web',
  objects: [manifest('web')],
  policy: defaultObjectPolicy,
  ...over,
});

/** The cluster as the watch would show it with everything of the work applied. */
const shown = (work: Work, uid = 'u1'): OwnedObject[] =>
  wantedObjects(work).map(({ ref, digest }) => ({
    ...ref,
    uid,
    resourceVersion: '1',
    workId: work.id,
    component: work.component,
    generation: `${work.generation}`,
    digest,
    deleting: false,
    adopted: false,
    readiness: { state: 'ready', replicas: undefined, reason: '', message: '', summary: '' },
  }));

const taken = (work: Work) => {
  const works = new HeldWorks();
  works.take(work);
  works.receivedUpTo(work.sequence);
  const held = works.get(work.id);
  if (held === undefined) throw new Error('the work was not taken');
  return { works, held };
};

describe('HeldWorks', () => {
  it('leaves nothing to apply, and confirms, when the cluster shows the work as ordered', () => {
    const work = aWork();
    const { works, held } = taken(work);
    expect(works.examine(held, shown(work))).toEqual([]);
    expect(held.confirmed).toBe(1n);
    expect(works.appliedUpTo).toBe(1n);
  });

  it('applies what is missing or of another digest, and only that', () => {
    const before = aWork({ objects: [manifest('same'), manifest('other', 'old')] });
    const work = aWork({ generation: 2n, objects: [manifest('same'), manifest('other', 'new'), manifest('more')] });
    const { works, held } = taken(work);
    expect(works.examine(held, shown(before)).map((each) => each.ref.name)).toEqual(['other', 'more']);
    expect(held.confirmed).toBe(0n);
  });

  it('does not apply again what the watch has not shown yet', () => {
    const work = aWork();
    const { works, held } = taken(work);
    const [wanted] = works.examine(held, []);
    if (wanted === undefined) throw new Error('nothing is wanted');
    held.applied.set(wanted.key, { ref: wanted.ref, uid: 'u1', digest: wanted.digest, adopted: false, seen: false });
    expect(works.examine(held, [])).toEqual([]);
    expect(held.confirmed).toBe(0n);
    expect(works.examine(held, shown(work))).toEqual([]);
    expect(held.confirmed).toBe(1n);
    // shown once, and then gone: somebody has deleted it
    expect(works.examine(held, [])).toHaveLength(1);
  });

  it('ignores an older generation, and takes any of another incarnation', () => {
    const works = new HeldWorks();
    expect(works.take(aWork({ generation: 5n }))).toBe(true);
    expect(works.take(aWork({ generation: 4n, objects: [] }))).toBe(false);
    expect(works.take(aWork({ generation: 5n, sequence: 9n }))).toBe(false);
    expect(works.get(id(1))?.work).toMatchObject({ generation: 5n, sequence: 9n });
    works.beginIncarnation();
    expect(works.take(aWork({ generation: 1n }))).toBe(true);
  });

  it('wants an object that a work lists, and the namespace of a work that holds something', () => {
    const { works } = taken(aWork());
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'web' };
    const namespace = { apiVersion: 'v1', kind: 'Namespace', namespace: '', name: 'n' };
    expect(works.isWanted(ref)).toBe(true);
    expect(works.isWanted({ ...ref, name: 'other' })).toBe(false);
    expect(works.isWanted(namespace)).toBe(true);
    works.take(aWork({ generation: 2n, objects: [] }));
    expect(works.isWanted(ref)).toBe(false);
    expect(works.isWanted(namespace)).toBe(false);
  });

  it('says that it has applied up to a sequence only when every work up to it is confirmed', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), (isThere) => {
        const works = new HeldWorks();
        const all = isThere.map((_, n) => aWork({ id: id(n), sequence: BigInt(n + 1), objects: [manifest(`c${n}`)] }));
        for (const work of all) works.take(work);
        works.receivedUpTo(BigInt(all.length));
        all.forEach((work, n) => {
          const held = works.get(work.id);
          if (held !== undefined) works.examine(held, isThere[n] === true ? shown(work) : []);
        });
        const firstMissing = isThere.indexOf(false);
        expect(works.appliedUpTo).toBe(BigInt(firstMissing === -1 ? all.length : firstMissing));
      }),
    );
  });

  it('never asks for a namespace to be applied as an object of one work', () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } };
    expect(wantedObjects(aWork({ objects: [namespace, manifest('web')] })).map((each) => objectKey(each.ref))).toEqual([
      '/ConfigMap/n/web',
    ]);
  });
});
