import type { FieldViolation, JsonObject, StatusRule } from '#domain';
import type { KindRef } from '../client/objects.js';
import { compileExpression, type Evaluable, type Evaluation, type Expression, evaluable } from './expression.js';

/** What a rule says of an object. `broken`: an expression did not give what it should. */
export type RuleVerdict =
  | { kind: 'ready' | 'failed' | 'not-yet'; message: string }
  | { kind: 'broken'; message: string };

/** How objects of one kind tell how they are, compiled. */
export interface CompiledRule {
  readonly group: string;
  readonly kind: string;
  judge(object: JsonObject): RuleVerdict;
}

const allowed =
  'allowed is an expression in CEL over object, like object.status.phase == "Running", with the standard functions and macros';

const parts = [
  ['ready', 'boolean', 'true or false'],
  ['failed', 'boolean', 'true or false'],
  ['message', 'text', 'a text'],
] as const;

/** What is wrong with rules, at `path` as the wire names it; empty when the agent can compile them all. */
export function statusRuleViolations(rules: readonly StatusRule[], path: string): FieldViolation[] {
  return rules.flatMap((rule, index) =>
    parts.flatMap(([part, gives, given]) => {
      const text = rule[part];
      const compiled = text === undefined ? undefined : compileExpression(text, gives);
      if (compiled?.kind !== 'refused') return [];
      const description = `found ${JSON.stringify(text)}: ${compiled.found}; ${allowed}; it must give ${given}`;
      return [{ field: `${path}[${index}].${part}`, description }];
    }),
  );
}

export const groupOf = ({ apiVersion }: Pick<KindRef, 'apiVersion'>): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';

/** Rules that a newer gateway let through and this agent cannot compile judge everything as broken, by name. */
export const compileRules = (rules: readonly StatusRule[]): CompiledRule[] =>
  rules.map((rule) => {
    const [ready, failed, message] = parts.map(([part, gives]) => {
      const text = rule[part];
      return text === undefined ? undefined : usable(part, text, gives);
    });
    return { group: groupOf(rule), kind: rule.kind, judge: (object) => judge({ ready, failed, message }, object) };
  });

type PartName = (typeof parts)[number][0];

interface Usable {
  part: PartName;
  text: string;
  evaluate(object: Evaluable): Evaluation;
}

function usable(part: PartName, text: string, gives: 'boolean' | 'text'): Usable {
  const compiled = compileExpression(text, gives);
  if (compiled.kind === 'refused') return { part, text, evaluate: () => ({ kind: 'failed', why: compiled.found }) };
  const { expression }: { expression: Expression } = compiled;
  return { part, text, evaluate: (object) => expression.evaluate(object) };
}

const longestMessage = 500;

function judge({ ready, failed, message }: Record<PartName, Usable | undefined>, object: JsonObject): RuleVerdict {
  const seen = evaluable(object);
  const told: Partial<Record<PartName, boolean | string>> = {};
  for (const part of [ready, failed, message]) {
    if (part === undefined || (part === failed && told.ready === true)) continue;
    const result = part.evaluate(seen);
    if (result.kind === 'failed') return { kind: 'broken', message: brokenBy(part, result.why) };
    told[part.part] = result.value;
  }
  const kind = told.ready === true ? 'ready' : told.failed === true ? 'failed' : 'not-yet';
  return { kind, message: String(told.message ?? '').slice(0, longestMessage) };
}

const brokenBy = ({ part, text }: Usable, why: string): string => `${part}: ${text}: ${why}`.slice(0, longestMessage);
