import type { NodeExpression, NodeSelector } from '#domain';

type Labels = Readonly<Record<string, string>>;

/** A whole number as Kubernetes reads it for `Gt` and `Lt`. */
const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^[+-]?\d+$/.test(text) ? Number(text) : undefined;

function compared(found: string | undefined, wanted: string | undefined): number | undefined {
  const [left, right] = [wholeNumber(found), wholeNumber(wanted)];
  return left === undefined || right === undefined ? undefined : left - right;
}

/** As in Kubernetes' labels.Requirement: `NotIn` and `DoesNotExist` also hold where the label is missing, the others do not. */
function holds({ key, operator, values }: NodeExpression, labels: Labels): boolean {
  const found = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In':
      return found !== undefined && values.includes(found);
    case 'NotIn':
      return found === undefined || !values.includes(found);
    case 'Exists':
      return found !== undefined;
    case 'DoesNotExist':
      return found === undefined;
    case 'Gt':
      return (compared(found, values[0]) ?? 0) > 0;
    case 'Lt':
      return (compared(found, values[0]) ?? 0) < 0;
  }
}

/** Whether nodes with these labels are selected. A term without expressions selects none. */
export const selects = (selector: NodeSelector, labels: Labels): boolean =>
  selector.some((term) => term.length > 0 && term.every((each) => holds(each, labels)));

const signs = { In: 'in', NotIn: 'not in', Gt: '>', Lt: '<' } as const;

function expressionText({ key, operator, values }: NodeExpression): string {
  if (operator === 'Exists') return key;
  if (operator === 'DoesNotExist') return `no ${key}`;
  const [only = '', ...others] = values;
  if (operator === 'Gt' || operator === 'Lt') return `${key} ${signs[operator]} ${only}`;
  if (operator === 'In' && others.length === 0) return `${key}=${only}`;
  return `${key} ${signs[operator]} (${values.join(', ')})`;
}

const longest = 200;

/** For people, as `disk=ssd and zone in (a, b) or no spot`. */
export function selectorText(selector: NodeSelector): string {
  const text = selector.map((term) => term.map(expressionText).join(' and ')).join(' or ');
  if (text === '') return 'no node at all';
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
