import type { Taint, Toleration } from '#domain';

/** Kubernetes' rule: an empty key with `Exists` tolerates all; an empty effect matches every effect. */
const tolerates = (toleration: Toleration, taint: Taint): boolean =>
  (toleration.effect === '' || toleration.effect === taint.effect) &&
  (toleration.key === '' ? toleration.operator === 'Exists' : toleration.key === taint.key) &&
  (toleration.operator === 'Exists' || toleration.value === taint.value);

/** Tolerations that are for good. */
export const lasting = (tolerations: readonly Toleration[]): readonly Toleration[] =>
  tolerations.every(({ tolerationSeconds }) => tolerationSeconds === undefined)
    ? tolerations
    : tolerations.filter(({ tolerationSeconds }) => tolerationSeconds === undefined);

/** For how many seconds a taint is tolerated at most; undefined: not at all, or for good. */
export function secondsTolerated(tolerations: readonly Toleration[], taint: Taint): number | undefined {
  const found = tolerations.flatMap((each) => (tolerates(each, taint) ? (each.tolerationSeconds ?? []) : []));
  return found.length === 0 ? undefined : Math.max(...found);
}

/** The first taint that forbids (`PreferNoSchedule` never does) and is not tolerated. */
export function untolerated(taints: readonly Taint[], tolerations: readonly Toleration[]): Taint | undefined {
  return taints.find(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerations.some((each) => tolerates(each, taint)),
  );
}

export const toleratesAll = (taints: readonly Taint[], tolerations: readonly Toleration[]): boolean =>
  taints.length === 0 || untolerated(taints, tolerations) === undefined;
