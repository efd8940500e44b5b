import {
  type Component,
  isJsonObject,
  isNodeOperator,
  type JsonObject,
  type JsonValue,
  type NodeExpression,
  type NodeSelector,
} from '#domain';
import { objectAt } from './json.js';

const listOf = (value: JsonValue | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isJsonObject) : []);

function expressionOf({ key, operator, values }: JsonObject): NodeExpression[] {
  if (typeof key !== 'string' || !isNodeOperator(operator)) return [];
  return [{ key, operator, values: (Array.isArray(values) ? values : []).map(String) }];
}

const emptyTerm = ({ matchExpressions, matchFields }: JsonObject): boolean =>
  listOf(matchExpressions).length + listOf(matchFields).length === 0;

/**
 * Which nodes a component's pods require by label: its `nodeSelector`, and its required node affinity. Undefined: any.
 * Fields of nodes (`matchFields`) are not judged: the member does that. Preferences forbid nothing.
 */
export function podNodeSelector({ workloadExtra: { podSpec } }: Component): NodeSelector | undefined {
  const selector = isJsonObject(podSpec.nodeSelector) ? podSpec.nodeSelector : {};
  const everywhere = Object.entries(selector).map(
    ([key, value]): NodeExpression => ({ key, operator: 'In', values: [String(value)] }),
  );
  const affinity = objectAt(objectAt(podSpec, 'affinity'), 'nodeAffinity');
  const required = objectAt(affinity, 'requiredDuringSchedulingIgnoredDuringExecution');
  if (required === undefined) return everywhere.length === 0 ? undefined : [everywhere];
  const terms = listOf(required.nodeSelectorTerms)
    .filter((term) => !emptyTerm(term))
    .map(({ matchExpressions }) => [...everywhere, ...listOf(matchExpressions).flatMap(expressionOf)]);
  // a term of fields alone: by labels, any node may be it
  return terms.some((term) => term.length === 0) ? undefined : terms;
}
