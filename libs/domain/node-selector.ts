const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'] as const;

export type NodeOperator = (typeof operators)[number];

export const isNodeOperator = (text: unknown): text is NodeOperator => operators.some((each) => each === text);

/** What a node's label under one key must be, as Kubernetes' NodeSelectorRequirement says it. */
export interface NodeExpression {
  key: string;
  operator: NodeOperator;
  /** None with `Exists` and `DoesNotExist`, a single whole number with `Gt` and `Lt`. */
  values: readonly string[];
}

/** Terms of which one must hold; of a term, all expressions. Without terms, no node is selected. */
export type NodeSelector = readonly (readonly NodeExpression[])[];

/** Label keys that a selector asks for, each once, in order. */
export const selectorKeys = (selector: NodeSelector): string[] =>
  [...new Set(selector.flat().map(({ key }) => key))].sort();
