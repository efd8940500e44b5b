import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '#domain';
import { PathSet } from '../../hollow/ownership/path-set.js';
import { namedFields } from '../../hollow/ownership/typed.js';
import { structRef } from '../../hollow/schema/schema.js';
import { pathText, valueAt, withoutFields } from './field-path.js';
import { lostFields } from './lost-fields.js';
import { holdersOf, managersOf, ownedFields } from './managed-fields.js';

const manifest: JsonObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'n',
    labels: { app: 'web' },
    annotations: { 'berth.dev/digest': 'd' },
    finalizers: ['a.b/c'],
  },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          { name: 'web', image: 'i:1', tty: true, ports: [{ containerPort: 80 }], args: ['a', 'b'] },
          { name: 'side', image: 's:1' },
        ],
      },
    },
  },
};

/** The server's side, from its schema: what an apply of this comes to own. */
const ownedBy = (applied: JsonObject): PathSet => namedFields(structRef('apps.Deployment'), applied);
const fieldsOf = (set: PathSet): JsonObject => JSON.parse(JSON.stringify(set.format()));

function taken(set: PathSet, [segment = '', ...deeper]: readonly string[]): void {
  const child = set.children.get(segment);
  if (child === undefined) return;
  if (deeper.length > 0) {
    taken(child, deeper);
    if (child.empty) set.children.delete(segment);
  } else set.children.delete(segment);
}

const texts = (owned: PathSet): string[] => lostFields(manifest, fieldsOf(owned)).map(pathText);
const container = ['f:spec', 'f:template', 'f:spec', 'f:containers', 'k:{"name":"web"}'];

describe('lostFields', () => {
  it('finds nothing lost in what was just applied', () => {
    expect(texts(ownedBy(manifest))).toEqual([]);
  });

  it('names a field that somebody else has taken', () => {
    const owned = ownedBy(manifest);
    taken(owned, ['f:spec', 'f:replicas']);
    taken(owned, [...container, 'f:image']);
    expect(texts(owned)).toEqual(['.spec.replicas', '.spec.template.spec.containers[name="web"].image']);
  });

  it('names an item that was removed, by the keys of its list, defaults among them', () => {
    const owned = ownedBy(manifest);
    taken(owned, container);
    expect(texts(owned)).toEqual(['.spec.template.spec.containers[name="web"]']);
    const two = structuredClone(manifest);
    const ports = valueAt(two, [...container, 'f:ports']);
    if (Array.isArray(ports)) ports.push({ containerPort: 81 });
    expect(lostFields(two, fieldsOf(ownedBy(manifest))).map(pathText)).toEqual([
      '.spec.template.spec.containers[name="web"].ports[containerPort=81,protocol="TCP"]',
    ]);
  });

  it('takes a list that is one piece as one, and an item of a set by its value', () => {
    const owned = ownedBy(manifest);
    taken(owned, [...container, 'f:args']);
    taken(owned, ['f:metadata', 'f:finalizers', 'v:"a.b/c"']);
    expect(texts(owned)).toEqual(['.metadata.finalizers', '.spec.template.spec.containers[name="web"].args']);
  });

  it('does not take what is left of a keyed item for the whole of it', () => {
    const owned = fieldsOf(ownedBy(manifest));
    const items = valueAt(
      owned,
      container.slice(0, -1).map((segment) => `f:${segment}`),
    ) as JsonObject;
    items['k:{"name":"side"}'] = {};
    expect(lostFields(manifest, owned).map(pathText)).toEqual(['.spec.template.spec.containers[name="side"].image']);
  });

  it('asks the sets of others whether a map without schema is one piece', () => {
    const free = { apiVersion: 'x/v1', kind: 'Free', metadata: { name: 'f' }, spec: { size: 1 } };
    expect(lostFields(free, { 'f:spec': {} })).toEqual([]);
    const others = [{ 'f:spec': { 'f:size': {} } }];
    expect(lostFields(free, { 'f:spec': {} }, others)).toEqual([['f:spec', 'f:size']]);
  });

  it('finds exactly the leaves that were taken, whichever they are', () => {
    const leaves = [...ownedBy(manifest).paths()].filter((path) => !path.at(-1)?.startsWith('k:'));
    const notKeys = leaves.filter((path) => !/"f:(name|containerPort)"$/.test(JSON.stringify(path.at(-1))));
    fc.assert(
      fc.property(fc.subarray(notKeys), (gone) => {
        const owned = ownedBy(manifest);
        for (const path of gone) taken(owned, path);
        const lost = lostFields(manifest, fieldsOf(owned));
        const covers = (path: readonly string[]) =>
          lost.some((each) => each.every((step, index) => path[index] === step));
        for (const path of gone.filter((each) => each[0] !== 'f:apiVersion' && each[0] !== 'f:kind'))
          if (!(path[0] === 'f:metadata' && path[1] === 'f:namespace') && !isKey(path)) expect(covers(path)).toBe(true);
        for (const path of leaves.filter((each) => !gone.includes(each))) expect(lost).not.toContainEqual(path);
      }),
    );
  });
});

const isKey = (path: readonly string[]): boolean => {
  const item = path.at(-2) ?? '';
  return item.startsWith('k:') && Object.keys(JSON.parse(item.slice(2))).includes(path.at(-1)?.slice(2) ?? '');
};

describe('field paths', () => {
  it('find values and take them out', () => {
    expect(valueAt(manifest, [...container, 'f:image'])).toBe('i:1');
    expect(valueAt(manifest, [...container, 'f:ports', 'k:{"containerPort":80,"protocol":"TCP"}'])).toEqual({
      containerPort: 80,
    });
    expect(valueAt(manifest, ['f:spec', 'f:paused'])).toBeUndefined();
    const left = withoutFields(manifest, [
      ['f:spec', 'f:replicas'],
      [...container, 'f:image'],
    ]);
    expect(valueAt(left, ['f:spec', 'f:replicas'])).toBeUndefined();
    expect(valueAt(left, container)).toEqual({
      name: 'web',
      tty: true,
      ports: [{ containerPort: 80 }],
      args: ['a', 'b'],
    });
    expect(valueAt(manifest, ['f:spec', 'f:replicas'])).toBe(2);
  });

  it('never find what was taken out, and leave the rest as it was', () => {
    const leaf = fc.constantFrom<readonly string[]>(...[...ownedBy(manifest).paths()].filter((path) => !isKey(path)));
    fc.assert(
      fc.property(leaf, leaf, (gone, other) => {
        const left = withoutFields(manifest, [gone]);
        expect(valueAt(left, gone)).toBeUndefined();
        const isBelow =
          gone.every((step, index) => other[index] === step) || other.every((step, index) => gone[index] === step);
        const isItsKey = isKey(gone) && gone.slice(0, -1).every((step, index) => other[index] === step);
        if (!isBelow && !isItsKey)
          expect<JsonValue | undefined>(valueAt(left, other)).toEqual(valueAt(manifest, other));
      }),
    );
  });
});

describe('managed fields', () => {
  const entry = (manager: string, operation: string, fieldsV1: JsonObject): JsonObject => ({
    ...{ manager, operation, fieldsV1, apiVersion: 'v1', time: '2030-01-01T00:00:00Z' },
  });
  const object: JsonObject = {
    metadata: {
      managedFields: [
        entry('berth', 'Apply', { 'f:data': { 'f:a': {} } }),
        entry('kubectl-edit', 'Update', { 'f:data': { '.': {}, 'f:b': {} } }),
        entry('argocd', 'Apply', { 'f:data': { 'f:c': {} } }),
      ],
    },
  };

  it('tell whose a field is, above and below it', () => {
    expect(ownedFields(object)).toEqual({ 'f:data': { 'f:a': {} } });
    expect(managersOf(object)).toHaveLength(3);
    const at = Date.parse('2030-01-01T00:00:00Z');
    expect(holdersOf(object, ['f:data', 'f:b'])).toEqual([{ manager: 'kubectl-edit', operation: 'Update', at }]);
    expect(holdersOf(object, ['f:data']).map(({ manager }) => manager)).toEqual(['kubectl-edit', 'argocd']);
    expect(holdersOf(object, ['f:data', 'f:d'])).toEqual([]);
  });
});
