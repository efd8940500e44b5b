import type { Component, PlacementPolicy } from '#domain';

interface Group {
  components: readonly Component[];
  policy: PlacementPolicy;
}

/**
 * Groups in the order in which they are decided: as the spec has them, but what is to be near to another component, or
 * apart from it, after that one. In a ring of such wishes somebody has to begin.
 */
export function inDecidingOrder<G extends Group>(groups: readonly G[]): G[] {
  const ordered: G[] = [];
  const seen = new Set<G>();
  const visit = (group: G): void => {
    if (seen.has(group)) return;
    seen.add(group);
    for (const { application, component } of group.policy.affinity ?? []) {
      if (application !== '') continue;
      const named = groups.find(({ components }) => components.some(({ name }) => name === component));
      if (named !== undefined) visit(named);
    }
    ordered.push(group);
  };
  for (const group of groups) visit(group);
  return ordered;
}
