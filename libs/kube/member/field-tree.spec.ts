import { describe, expect, it } from 'vitest';
import type { JsonObject } from '#domain';
import { fieldTree } from './field-tree.js';

const ref = (name: string): JsonObject => ({ $ref: `#/definitions/${name}` });
const gvk = [{ group: 'apps', version: 'v1', kind: 'Thing' }];

const definitions = (properties: JsonObject): JsonObject => ({
  Thing: { properties, 'x-kubernetes-group-version-kind': gvk },
  Node: { properties: { value: { type: 'string' }, children: { type: 'array', items: ref('Node') } } },
  Part: { properties: { name: { type: 'string' } } },
});

const tree = (properties: JsonObject) => fieldTree(definitions(properties), 'apps/v1', 'Thing');

describe('the tree of declared fields', () => {
  it('follows references and looks through lists', () => {
    expect(tree({ spec: ref('Part'), parts: { type: 'array', items: ref('Part') } })).toEqual({
      spec: { name: true },
      parts: { name: true },
    });
  });

  it('follows references that v3 wraps', () => {
    expect(tree({ spec: { default: {}, allOf: [{ $ref: '#/components/schemas/Part' }] } })).toEqual({
      spec: { name: true },
    });
  });

  it('ends at maps, scalars and free objects', () => {
    const map = { type: 'object', additionalProperties: { type: 'string' } };
    const free = { type: 'object', properties: { a: {} }, 'x-kubernetes-preserve-unknown-fields': true };
    expect(tree({ map, free, scalar: { type: 'integer' } })).toEqual({ map: true, free: true, scalar: true });
  });

  it('cuts recursion', () => {
    expect(tree({ root: ref('Node') })).toEqual({ root: { value: true, children: true } });
  });

  it('knows no kind that the document does not have', () => {
    expect(fieldTree(definitions({}), 'apps/v1', 'Other')).toBeUndefined();
    expect(fieldTree(definitions({}), 'apps/v2', 'Thing')).toBeUndefined();
  });
});
