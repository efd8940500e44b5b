import { type Fields, fieldsAt, isFields, type Node, type Pod, type Taint, type Toleration } from '../objects.js';
import { matchesOperator } from '../selectors.js';

/** Why a node may not take a pod, in kube-scheduler's words; undefined when it may. Room is judged elsewhere. */
export function admitsNode(pod: Pod, node: Node): string | undefined {
  const tolerations = pod.spec.tolerations ?? [];
  const cordoned = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
  if (node.spec?.unschedulable === true && !isTolerated(cordoned, tolerations)) return 'node(s) were unschedulable';
  const taint = untolerated(node.spec?.taints ?? [], tolerations);
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  if (!isSelected(pod, node)) return "node(s) didn't match Pod's node affinity/selector";
  return undefined;
}

function untolerated(taints: readonly Taint[], tolerations: readonly Toleration[]): Taint | undefined {
  return taints.find((taint) => taint.effect !== 'PreferNoSchedule' && !isTolerated(taint, tolerations));
}

function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some(
    ({ key, operator = 'Equal', value = '', effect }) =>
      (effect === undefined || effect === '' || effect === taint.effect) &&
      (key === undefined || key === '' ? operator === 'Exists' : key === taint.key) &&
      (operator === 'Exists' || value === (taint.value ?? '')),
  );
}

function isSelected(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) if (labels[key] !== value) return false;
  const required = fieldsAt(pod.spec.affinity, 'nodeAffinity').requiredDuringSchedulingIgnoredDuringExecution;
  if (!isFields(required)) return true;
  const terms = Array.isArray(required.nodeSelectorTerms) ? required.nodeSelectorTerms.filter(isFields) : [];
  return terms.some((term) => matchesTerm(term, node));
}

function matchesTerm(term: Fields, { metadata }: Node): boolean {
  const requirements = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);
  const holds = ({ operator, values }: Fields, actual: string | undefined) =>
    matchesOperator(actual, String(operator), Array.isArray(values) ? values.map(String) : []);
  return (
    requirements(term.matchExpressions).every((one) => holds(one, metadata.labels?.[String(one.key)])) &&
    requirements(term.matchFields).every((one) => holds(one, metadata.name))
  );
}
