import type { ClusterSchema, Ids } from '#domain';
import {
  applyDecision,
  type Decision,
  decide,
  type EnginePolicy,
  type ExternalAnswers,
  type Snapshot,
} from '#placement';
import type { placementStore } from '#store';
import type { Neighbourhood } from './neighbourhood.js';
import { withPreemption } from './preempting/words.js';
import { refusalsOf } from './refusals.js';
import { requestOf } from './request.js';

/** A decision on its way to the store. */
export interface Decided {
  key: string;
  id: string;
  release: placementStore.WaitingRelease;
  decision: Decision;
  /** Packed for the store. */
  record: Uint8Array;
  refusals: readonly placementStore.StoredRefusal[];
}

export interface Deciding {
  snapshot: Snapshot;
  schemas: ReadonlyMap<string, ClusterSchema>;
  policy: EnginePolicy;
  ids: Ids;
  key: (release: placementStore.WaitingRelease) => string;
  /** Where what is placed in this batch comes to be: nobody can have read that yet. */
  moved: Neighbourhood;
}

/** Pure but for the snapshot, from which it takes what it hands out: the next decision of a batch sees this one. */
export function decideRelease(
  release: placementStore.WaitingRelease,
  { snapshot, schemas, policy, ids, key, moved }: Deciding,
  external?: readonly ExternalAnswers[],
): Decided {
  const decision = withOwnRoom(release, snapshot, () =>
    decide(requestOf(moved.beside(release), schemas, external), snapshot, policy),
  );
  const replicas = new Map(release.spec.components.map((component) => [component.name, component.replicas]));
  const decided = {
    key: key(release),
    id: ids.uuid(),
    release,
    decision,
    record: decision.packed,
    refusals: decision.placed ? [] : withPreemption(release, refusalsOf(decision, replicas)),
  };
  if (decision.placed) {
    applyDecision(snapshot, decision);
    moved.note(release, decision.allotments);
  }
  return decided;
}

/** Decides with the room that is kept for the release; once it is placed nothing is kept any more. */
function withOwnRoom({ nominated }: placementStore.WaitingRelease, snapshot: Snapshot, work: () => Decision): Decision {
  const kept = nominated.flatMap(({ cluster, amount }) => {
    const slot = snapshot.slotOf(cluster);
    return slot === undefined ? [] : [{ slot, amount }];
  });
  for (const { slot, amount } of kept) snapshot.release(slot, amount);
  const decision = work();
  if (!decision.placed) for (const { slot, amount } of kept) snapshot.reserve(slot, amount);
  return decision;
}
