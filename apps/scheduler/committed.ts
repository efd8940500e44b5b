import type { Committed, Decided } from '#decision';
import type { ClusterId } from '#domain';

/** Clusters that hold what was decided for them and nothing else that is new. */
export function foreseen(batch: readonly Decided[], { placed, asKnown }: Committed): ReadonlySet<ClusterId> {
  const done = new Set(placed);
  const clusters = new Set(asKnown);
  for (const decided of batch)
    if (!done.has(decided)) for (const cluster of changing(decided)) clusters.delete(cluster);
  return clusters;
}

/** Clusters of which the picture shows something else with the decision. */
export const changing = ({ decision, release }: Decided): ClusterId[] =>
  decision.placed ? [...decision.additions, ...release.nominated].map(({ cluster }) => cluster) : [];

/** Of a batch of which nothing was committed. */
export const nobody: Committed = {
  ...{ placed: [], refused: [], stale: [], lost: [], locked: [] },
  fleet: Promise.resolve([]),
  asKnown: new Set(),
};

/** What several parts of a batch came to. */
export const together = (parts: readonly Committed[]): Committed => ({
  placed: parts.flatMap((part) => part.placed),
  refused: parts.flatMap((part) => part.refused),
  stale: parts.flatMap((part) => part.stale),
  lost: parts.flatMap((part) => part.lost),
  fleet: Promise.resolve([]),
  locked: parts.flatMap((part) => part.locked),
  asKnown: new Set(),
});
