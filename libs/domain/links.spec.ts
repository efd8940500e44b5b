import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApplicationSpec, Component } from './application.js';
import { linkGroups, linkViolations } from './links.js';
import { anywhere, type PlacementPolicy } from './placement-policy.js';

const aComponent = (name: string, links: string[] = [], placement?: PlacementPolicy): Component => ({
  name,
  kind: 'service',
  replicas: 1,
  containers: [],
  initContainers: [],
  servicePorts: [],
  links,
  ...(placement === undefined ? {} : { placement }),
  workloadExtra: { metadata: {}, spec: {}, podMetadata: {}, podSpec: {} },
  objects: [],
});
const specOf = (...components: Component[]): ApplicationSpec => ({ components, placement: anywhere });
const namesOf = (spec: ApplicationSpec) => linkGroups(spec).map((group) => group.map(({ name }) => name));

describe('linkGroups', () => {
  it('joins what links join, over several steps and against their direction, and nothing else', () => {
    const spec = specOf(
      aComponent('web', ['api']),
      aComponent('batch'),
      aComponent('api'),
      aComponent('worker', ['api', 'worker']),
    );
    expect(namesOf(spec)).toEqual([['web', 'api', 'worker'], ['batch']]);
  });

  it('agrees with reachability on any graph, and keeps the order of the spec', () => {
    const graph = fc.integer({ min: 1, max: 9 }).chain((size) =>
      fc.record({
        size: fc.constant(size),
        edges: fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 14 }),
      }),
    );
    fc.assert(
      fc.property(graph, ({ size, edges }) => {
        const names = Array.from({ length: size }, (_, index) => `c${index}`);
        const spec = specOf(
          ...names.map((name, index) =>
            aComponent(
              name,
              edges.filter(([a]) => a === index).map(([, b]) => `c${b}`),
            ),
          ),
        );
        const near = names.map((_, i) =>
          names.map((__, j) => i === j || edges.some(([a, b]) => (a === i && b === j) || (a === j && b === i))),
        );
        for (let k = 0; k < size; k += 1)
          for (let i = 0; i < size; i += 1)
            for (let j = 0; j < size; j += 1) if (near[i]?.[k] && near[k]?.[j]) (near[i] ?? [])[j] = true;
        const expected = names.flatMap((_, i) => {
          const group = names.filter((__, j) => near[i]?.[j]);
          return group[0] === `c${i}` ? [group] : [];
        });
        expect(namesOf(spec)).toEqual(expected);
      }),
    );
  });
});

describe('linkViolations', () => {
  const inEurope: PlacementPolicy = { ...anywhere, regions: ['eu'] };

  it('names a component whose placement differs from what it is linked to', () => {
    expect(linkViolations(specOf(aComponent('web', ['api']), aComponent('api', [], inEurope)))).toEqual([
      { field: 'spec.components[1].placement', description: expect.stringContaining('"api" and "web" are linked') },
    ]);
  });

  it('accepts equal placements and unlinked components', () => {
    expect(
      linkViolations(specOf(aComponent('web', ['api'], inEurope), aComponent('api', [], inEurope), aComponent('job'))),
    ).toEqual([]);
  });
});
