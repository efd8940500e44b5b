import type { ApplicationSpec, Component } from './application.js';
import type { FieldViolation } from './errors.js';
import { canonicalJson, type JsonValue } from './json.js';
import type { PlacementPolicy } from './placement-policy.js';

/**
 * Components that are placed together: those that links join, in either direction and over any number of steps.
 * Groups, and components in a group, are in the order of the spec; each component is in exactly one.
 */
export function linkGroups(spec: ApplicationSpec): Component[][] {
  const places = new Map(spec.components.map((component, index): [string, number] => [component.name, index]));
  const parents = spec.components.map((_, index) => index);
  const rootOf = (place: number): number => {
    let root = place;
    for (let next = parents[root]; next !== undefined && next !== root; next = parents[root]) root = next;
    parents[place] = root;
    return root;
  };
  spec.components.forEach((component, index) => {
    for (const link of component.links) {
      const target = places.get(link);
      if (target !== undefined) parents[rootOf(index)] = rootOf(target);
    }
  });
  const groups = new Map<number, Component[]>();
  spec.components.forEach((component, index) => {
    const root = rootOf(index);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [component]);
    else group.push(component);
  });
  return [...groups.values()];
}

/** Where a component may go: its own policy, else the application's. */
export const placementOf = (spec: ApplicationSpec, component: Component): PlacementPolicy =>
  component.placement ?? spec.placement;

function comparable(policy: PlacementPolicy): string {
  const json: JsonValue = JSON.parse(JSON.stringify(policy));
  return canonicalJson(json);
}

/** Linked components go to the same clusters, so their policies must be the same. */
export function linkViolations(spec: ApplicationSpec): FieldViolation[] {
  return linkGroups(spec).flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const expected = comparable(placementOf(spec, first));
    return others
      .filter((component) => comparable(placementOf(spec, component)) !== expected)
      .map((component) => ({
        field: `spec.components[${spec.components.indexOf(component)}].placement`,
        description:
          `"${component.name}" and "${first.name}" are linked and must be placed together, but their placement differs; ` +
          'give both the same placement, or set it on the application',
      }));
  });
}
