import type { Taint, Toleration } from '#domain';

/** Kubernetes' rule: an empty key with `Exists` tolerates all; an empty effect matches every effect. */
const tolerates = (toleration: Toleration, taint: Taint): boolean =>
  (toleration.effect === '' || toleration.effect === taint.effect) &&
  (toleration.key === '' ? toleration.operator === 'Exists' : toleration.key === taint.key) &&
  (toleration.operator === 'Exists' || toleration.value === taint.value);

/**
 * For how many seconds a taint is tolerated: the least that a toleration which matches it says, as Kubernetes counts.
 * Undefined: not at all, or for good.
 */
export function secondsTolerated(tolerations: readonly Toleration[], taint: Taint): number | undefined {
  let least: number | undefined;
  for (const each of tolerations) {
    const { tolerationSeconds: seconds } = each;
    if (seconds === undefined || !tolerates(each, taint)) continue;
    if (least === undefined || seconds < least) least = seconds;
  }
  return least;
}

/** The first taint that forbids (`PreferNoSchedule` never does) and is not tolerated. */
export function untolerated(taints: readonly Taint[], tolerations: readonly Toleration[]): Taint | undefined {
  return taints.find(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerations.some((each) => tolerates(each, taint)),
  );
}

export const toleratesAll = (taints: readonly Taint[], tolerations: readonly Toleration[]): boolean =>
  taints.length === 0 || untolerated(taints, tolerations) === undefined;
