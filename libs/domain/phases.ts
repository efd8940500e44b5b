/**
 * A release's life in the store. `waiting`: asks for a decision; `refused`: no cluster fits, with reasons, until a
 * change wakes it; `placed`: decided and handed to clusters; `superseded`: a newer release took its place;
 * `removing`: its objects are being taken away; `removed`: confirmed gone.
 */
export type ReleasePhase = 'waiting' | 'refused' | 'placed' | 'superseded' | 'removing' | 'removed';

export const releaseMoves = {
  waiting: ['placed', 'refused', 'superseded', 'removing'],
  refused: ['waiting', 'superseded', 'removing'],
  placed: ['waiting', 'superseded', 'removing'],
  superseded: [],
  removing: ['removed'],
  removed: [],
} as const satisfies Record<ReleasePhase, readonly ReleasePhase[]>;

/** What a tenant sees of a component or a release: read from the store's phase and the agents' reports, never stored. */
export type RunPhase =
  | 'waiting'
  | 'refused'
  | 'applying'
  | 'ready'
  | 'degraded'
  | 'failed'
  | 'removing'
  | 'removed'
  | 'unknown';

/** A component in one cluster, as its agent last reported it. */
export type WorkPhase = 'pending' | 'applying' | 'ready' | 'degraded' | 'failed';

/** How far a report can be believed: by the agent's lease on the store's clock. */
export type Freshness = 'fresh' | 'stale' | 'unknown';

/** A reservation is freed only when the agent says that the pods are gone. */
export type ReservationState = 'held' | 'releasing' | 'freed';

export const reservationMoves = {
  held: ['releasing'],
  releasing: ['freed', 'held'],
  freed: [],
} as const satisfies Record<ReservationState, readonly ReservationState[]>;

const severity: readonly RunPhase[] = [
  'ready',
  'applying',
  'waiting',
  'removing',
  'degraded',
  'refused',
  'failed',
  'unknown',
];

/** The worst of many: an application is as well as its least well component. `removed` only when all are. */
export function worstPhase(phases: readonly RunPhase[]): RunPhase {
  if (phases.length === 0) return 'waiting';
  if (phases.every((phase) => phase === 'removed')) return 'removed';
  return phases
    .filter((phase) => phase !== 'removed')
    .reduce((worst, phase) => (severity.indexOf(phase) > severity.indexOf(worst) ? phase : worst));
}

/** What one cluster's report says to a reader: nothing old is shown as Ready, and nothing that is less than was decided. */
export function runPhaseOf(report: {
  phase: WorkPhase;
  freshness: Freshness;
  current: boolean;
  whole: boolean;
  /** The cluster refuses for good what was decided last. */
  refused: boolean;
}): RunPhase {
  const { phase, freshness, current, whole, refused } = report;
  if (freshness === 'unknown' || (freshness === 'stale' && phase === 'ready')) return 'unknown';
  if (refused && (phase === 'failed' || phase === 'degraded')) return phase;
  if (!current || phase === 'pending') return 'applying';
  return phase === 'ready' && !whole ? 'degraded' : phase;
}
