import type { KubeObject, LabelSelector } from './objects.js';
import { badRequest } from './status.js';

export type ObjectFilter = (object: KubeObject) => boolean;
type Labels = Readonly<Record<string, string>>;
type Requirement = (labels: Labels) => boolean;

export function matchesSelector(selector: LabelSelector | undefined, labels: Labels = {}): boolean {
  if (selector === undefined) return false;
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) =>
    matchesOperator(labels[key], operator, values),
  );
}

export function matchesOperator(actual: string | undefined, operator: string, values: readonly string[]): boolean {
  switch (operator) {
    case 'In':
      return actual !== undefined && values.includes(actual);
    case 'NotIn':
      return actual === undefined || !values.includes(actual);
    case 'Exists':
      return actual !== undefined;
    case 'DoesNotExist':
      return actual === undefined;
    case 'Gt':
      return actual !== undefined && Number(actual) > Number(values[0]);
    case 'Lt':
      return actual !== undefined && Number(actual) < Number(values[0]);
    default:
      return false;
  }
}

const setBased = /^\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*$/;
const equality = /^\s*([^=!\s]+)\s*(==|=|!=)\s*(\S*)\s*$/;

function requirement(text: string): Requirement {
  const set = setBased.exec(text);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (labels) => matchesOperator(labels[key], operator === 'in' ? 'In' : 'NotIn', values);
  }
  const equal = equality.exec(text);
  if (equal !== null) {
    const [, key = '', operator, value = ''] = equal;
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const exists = /^\s*(!?)\s*([A-Za-z0-9][\w./-]*)\s*$/.exec(text);
  if (exists === null) throw badRequest(`unable to parse requirement: ${text}`);
  const [, not, key = ''] = exists;
  return not === '!' ? (labels) => labels[key] === undefined : (labels) => labels[key] !== undefined;
}

/** The API's `labelSelector` text: `a=b,c!=d,e in (f,g),!h`. */
export function parseLabelSelector(text: string): ObjectFilter {
  const parts = text.split(/,(?![^(]*\))/).filter((part) => part.trim() !== '');
  const requirements = parts.map(requirement);
  return (object) => requirements.every((holds) => holds(object.metadata.labels ?? {}));
}

/** `fieldSelector` over `metadata.*` and, for pods, `spec.nodeName` and `status.phase`. */
export function parseFieldSelector(text: string): ObjectFilter {
  const supported = /^(metadata\.(name|namespace|uid)|spec\.nodeName|status\.phase|involvedObject\.\w+|type|reason)$/;
  const tests = text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const match = equality.exec(part);
      const path = match?.[1] ?? part;
      if (match === null || !supported.test(path)) throw badRequest(`field label not supported: ${path}`);
      const wanted = match[3] ?? '';
      const negated = match[2] === '!=';
      return (object: KubeObject) => (textAt(object, path.split('.')) === wanted) !== negated;
    });
  return (object) => tests.every((test) => test(object));
}

function textAt(object: unknown, path: readonly string[]): string {
  let current = object;
  for (const name of path)
    current = typeof current === 'object' && current !== null ? Reflect.get(current, name) : undefined;
  return current === undefined ? '' : String(current);
}
