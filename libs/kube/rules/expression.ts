import {
  type CelFunc,
  type CelInput,
  CelScalar,
  type CelValue,
  celEnv,
  celFunc,
  celMethod,
  isCelError,
  parse,
  plan,
} from '@bufbuild/cel';
import { isJsonObject, type JsonObject, type JsonValue, type Millis } from '#domain';
import { checkExpression, type Expr } from './expression-check.js';

/** An expression in CEL over `object`, compiled once. */
export interface Expression {
  readonly text: string;
  /** Never throws: what goes wrong is told. */
  evaluate(object: Evaluable): Evaluation;
}

export type Evaluation = { kind: 'value'; value: boolean | string } | { kind: 'failed'; why: string };

export type Compilation = { kind: 'compiled'; expression: Expression } | { kind: 'refused'; found: string };

/** An object in CEL's types, made once for all expressions over it. */
export type Evaluable = { kind: 'object'; value: CelInput } | { kind: 'unfit'; why: string };

/** Elements that the loops of one evaluation may visit, and how long it may take: it runs on the agent's only thread. */
const mostSteps = 50_000;
const longestMs: Millis = 100;
/** What an object may measure to be judged by an expression. */
const mostCharacters = 256 * 1024;
const mostValues = 20_000;
const deepest = 64;
/** A pattern is matched in time that grows with the text times the pattern. */
const longestMatchedText = 8 * 1024;
const longestPattern = 256;

interface Budget {
  steps: number;
  deadline: Millis;
  isSpent: boolean;
}

/** One evaluation at a time: nothing of it is asynchronous. */
const budget: Budget = { steps: 0, deadline: 0, isSpent: false };

const step = celFunc('berth_step', [], CelScalar.BOOL, () => {
  budget.steps += 1;
  budget.isSpent ||= budget.steps > mostSteps || performance.now() > budget.deadline;
  return !budget.isSpent;
});

const standard = celEnv().funcs.find('matches');

const boundedMatch = (text: string, pattern: string): boolean => {
  if (text.length > longestMatchedText) throw new Error(`a text longer than ${longestMatchedText} is not matched`);
  if (pattern.length > longestPattern) throw new Error(`a pattern longer than ${longestPattern} is not matched`);
  const found: CelValue | Error | undefined = standard?.call(0, text, [pattern]);
  if (isCelError(found)) throw found;
  return found === true;
};

const bounded: CelFunc[] = [
  celMethod('matches', CelScalar.STRING, [CelScalar.STRING], CelScalar.BOOL, function (pattern) {
    return boundedMatch(this, pattern);
  }),
  celFunc('matches', [CelScalar.STRING, CelScalar.STRING], CelScalar.BOOL, boundedMatch),
];

const known = celEnv({ variables: { object: CelScalar.DYN }, funcs: bounded });
const metered = celEnv({ variables: { object: CelScalar.DYN }, funcs: [...bounded, step] });

/** Every loop asks before each turn whether it may go on. */
function meter(expr: Expr): void {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case 'comprehensionExpr': {
      const loop = exprKind.value;
      for (const each of [loop.iterRange, loop.accuInit, loop.loopCondition, loop.loopStep, loop.result])
        if (each !== undefined) meter(each);
      const asking = parse('berth_step() && true').expr;
      if (asking.exprKind.case === 'callExpr' && loop.loopCondition !== undefined) {
        asking.exprKind.value.args.splice(1, 1, loop.loopCondition);
        loop.loopCondition = asking;
      }
      return;
    }
    case 'callExpr':
      for (const each of [exprKind.value.target, ...exprKind.value.args]) if (each !== undefined) meter(each);
      return;
    case 'selectExpr':
      if (exprKind.value.operand !== undefined) meter(exprKind.value.operand);
      return;
    case 'listExpr':
      for (const each of exprKind.value.elements) meter(each);
      return;
    case 'structExpr':
      for (const { keyKind, value } of exprKind.value.entries) {
        if (keyKind.case === 'mapKey') meter(keyKind.value);
        if (value !== undefined) meter(value);
      }
      return;
    default:
      return;
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Compiles what is to give a truth or a text; says what is wrong with what can't. */
export function compileExpression(text: string, gives: 'boolean' | 'text'): Compilation {
  let run: (bindings: { object: CelInput }) => CelValue | Error;
  try {
    const { expr } = parse(text);
    const found = checkExpression(expr, known, ['object']);
    if (found !== 'any' && found !== gives) return { kind: 'refused', found: `it gives a ${found}` };
    meter(expr);
    run = plan(metered, expr);
  } catch (error) {
    // the parser's errors have no common class; whatever it says, the expression is not one
    return { kind: 'refused', found: reasonOf(error) };
  }
  return { kind: 'compiled', expression: { text, evaluate: (object) => evaluate(run, object, gives) } };
}

function evaluate(
  run: (bindings: { object: CelInput }) => CelValue | Error,
  object: Evaluable,
  gives: 'boolean' | 'text',
): Evaluation {
  if (object.kind === 'unfit') return { kind: 'failed', why: object.why };
  Object.assign(budget, { steps: 0, deadline: performance.now() + longestMs, isSpent: false });
  let value: CelValue | Error;
  try {
    value = run({ object: object.value });
  } catch (error) {
    return { kind: 'failed', why: reasonOf(error) }; // deep recursion, as a rule
  }
  if (budget.isSpent) return { kind: 'failed', why: `it takes more than ${mostSteps} steps or ${longestMs} ms` };
  if (isCelError(value)) return { kind: 'failed', why: value.message };
  if (gives === 'boolean' && typeof value === 'boolean') return { kind: 'value', value };
  if (gives === 'text' && typeof value === 'string') return { kind: 'value', value };
  return { kind: 'failed', why: `it gives ${value === null ? 'null' : `a ${typeof value}`}, not a ${gives}` };
}

class Unfit extends Error {
  override name = 'Unfit';
}

/** Whole numbers become `int`, as Kubernetes decodes them; what is too big to be judged says so. */
export function evaluable(object: JsonObject): Evaluable {
  let characters = 0;
  let values = 0;
  const convert = (value: JsonValue, depth: number): CelInput => {
    values += 1;
    characters += typeof value === 'string' ? value.length : 0;
    if (characters > mostCharacters || values > mostValues) throw new Unfit('the object is too big');
    if (depth > deepest) throw new Unfit('the object is too deep');
    if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
    if (Array.isArray(value)) return value.map((each) => convert(each, depth + 1));
    if (!isJsonObject(value)) return value;
    return new Map(
      Object.entries(value).map(([key, each]) => {
        characters += key.length;
        return [key, convert(each, depth + 1)];
      }),
    );
  };
  try {
    return { kind: 'object', value: convert(withoutManagers(object), 0) };
  } catch (error) {
    if (error instanceof Unfit) return { kind: 'unfit', why: error.message };
    throw error;
  }
}

/** Who wrote which field takes more room than the fields, and says nothing of how the object is. */
function withoutManagers(object: JsonObject): JsonObject {
  if (!isJsonObject(object.metadata)) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
