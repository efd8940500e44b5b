import type { placementStore } from '#store';

type StoredRefusal = placementStore.StoredRefusal;

/** Reasons that stay with a release until it is placed, whatever else is said of it meanwhile. */
const preempting = 'Preempting';
const preempted = 'Preempted';
export const evicted = 'Evicted';

interface Party {
  project: string;
  environment: string;
  application: string;
  priority: number;
}

/** In words that name what is elsewhere by where it is. */
const nameOf = (of: Party, beside: Party): string => {
  const place = of.project === beside.project && of.environment === beside.environment;
  return `${of.application}${place ? '' : ` of ${of.project}/${of.environment}`} (priority ${of.priority})`;
};

/** Why a release waits though its place is sure: others have to leave it first. */
export function preemptingRefusal(release: Party, victims: readonly Party[]): StoredRefusal {
  const names = victims.map((each) => nameOf(each, release)).join(', ');
  return {
    reason: preempting,
    message: `waits until ${names} ${victims.length === 1 ? 'has' : 'have'} left: by its priority of ${release.priority} it takes their room`,
    facts: { priority: `${release.priority}`, victims: victims.map(({ application }) => application).join(', ') },
  };
}

/** Why a release that was placed is not any more. */
export const preemptedRefusal = (victim: Party, by: Party): StoredRefusal => ({
  reason: preempted,
  message: `gave way to ${nameOf(by, victim)}: its own priority is ${victim.priority}; it is placed again when it has left and there is room`,
  facts: { by: by.application, priority: `${by.priority}` },
});

/** What is said now of a release, with what stays said of it from before. */
export function withPreemption(
  { refusals, nominated }: Pick<placementStore.WaitingRelease, 'refusals' | 'nominated'>,
  now: readonly StoredRefusal[],
): StoredRefusal[] {
  const isStill = nominated.length > 0;
  return [
    ...refusals.filter(({ reason }) => isStill && reason === preempting),
    ...now,
    ...refusals.filter(({ reason }) => reason === preempted || reason === evicted),
  ];
}
