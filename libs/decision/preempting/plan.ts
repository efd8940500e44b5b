import {
  type ExternalAnswers,
  hopeful,
  type Preemptible,
  type Preemption,
  planPreemption,
  type VacatedNodes,
} from '#placement';
import { placementStore } from '#store';
import type { Deciding } from '../decided.js';
import { requestOf } from '../request.js';

/** A placed release that may have to give way. */
export type Victim = placementStore.PlacedRelease & Preemptible;

/** Whether a release that was refused may take room from others: not before what it took last has come to it. */
export const mayPreempt = ({ spec, nominated }: placementStore.WaitingRelease): boolean =>
  spec.preemption !== 'never' && nominated.length === 0;

/** What it goes by in the same environment stays: it would be decided on where that is not any more. */
function staysFor(release: placementStore.WaitingRelease, other: placementStore.PlacedRelease): boolean {
  if (other.tenant !== release.tenant) return true;
  if (other.project !== release.project || other.environment !== release.environment) return false;
  const isNeighbour = release.neighbours.some(({ application }) => application === other.application);
  return isNeighbour || other.applicationUid === release.applicationUid;
}

/** What plug-ins said of each release's groups. */
export type Consulted = ReadonlyMap<placementStore.WaitingRelease, readonly ExternalAnswers[]>;

type Planning = Pick<Deciding, 'snapshot' | 'schemas' | 'policy' | 'moved'> & { consulted: Consulted };

const candidateOf = (each: placementStore.PlacedRelease): Victim => ({ ...each, key: placementStore.releaseKey(each) });

/** Those of the releases, all of one tenant and priority, for whom a plan is worth its price. Pure. */
export function worthPlanning(
  releases: readonly placementStore.WaitingRelease[],
  placed: readonly placementStore.PlacedRelease[],
  { snapshot, schemas, policy, moved, consulted }: Planning,
): placementStore.WaitingRelease[] {
  if (placed.length === 0) return [];
  const requests = releases.map((release) => requestOf(moved.beside(release), schemas, consulted.get(release)));
  const isHopeful = hopeful(requests, placed.map(candidateOf), snapshot, policy);
  return releases.filter((_, at) => isHopeful[at]);
}

/**
 * Who has to give way to a release that the fleet has no place for; undefined when that would not help. Pure, but that it
 * remembers nodes for other plans on the same snapshot.
 */
export function planFor(
  release: placementStore.WaitingRelease,
  placed: readonly placementStore.PlacedRelease[],
  { snapshot, schemas, policy, moved, consulted }: Planning,
  known?: VacatedNodes,
): Preemption<Victim> | undefined {
  const candidates = placed.filter((each) => !staysFor(release, each)).map(candidateOf);
  const asked = {
    request: requestOf(moved.beside(release), schemas, consulted.get(release)),
    priority: release.spec.priority ?? 0,
  };
  const plan = planPreemption(asked, candidates, snapshot, policy, known);
  return plan === undefined || plan.victims.length === 0 ? undefined : plan;
}
