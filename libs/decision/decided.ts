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
  const decision = decide(requestOf(moved.beside(release), schemas, external), snapshot, policy);
  const replicas = new Map(release.spec.components.map((component) => [component.name, component.replicas]));
  const decided = {
    key: key(release),
    id: ids.uuid(),
    release,
    decision,
    record: decision.packed,
    refusals: decision.placed ? [] : refusalsOf(decision, replicas),
  };
  if (decision.placed) {
    applyDecision(snapshot, decision);
    moved.note(release, decision.allotments);
  }
  return decided;
}
