import { type CelEnv, CelScalar, isCelError, type parse, plan } from '@bufbuild/cel';

/** A parsed expression, as the library has it. */
export type Expr = ReturnType<typeof parse>['expr'];

/** What an expression gives, as far as that can be told without an object; `any`: it depends on the object. */
type Gives = 'boolean' | 'text' | 'number' | 'list' | 'map' | 'other' | 'any';

interface Part {
  gives: Gives;
  /** Nothing of the object goes into it. */
  isConstant: boolean;
}

/** An expression that can give nothing useful, whatever the object; the message says what was found. */
export class WrongExpression extends Error {
  override name = 'WrongExpression';
}

const typeNames: ReadonlySet<string> = new Set('int uint double bool string bytes list map null_type type'.split(' '));
const givenBy: Readonly<Record<string, Gives>> = {
  [CelScalar.BOOL.name]: 'boolean',
  [CelScalar.STRING.name]: 'text',
  [CelScalar.INT.name]: 'number',
  [CelScalar.UINT.name]: 'number',
  [CelScalar.DOUBLE.name]: 'number',
};
const constants: Readonly<Record<string, Gives>> = {
  boolValue: 'boolean',
  stringValue: 'text',
  int64Value: 'number',
  uint64Value: 'number',
  doubleValue: 'number',
};
const logical: ReadonlySet<string> = new Set(['_&&_', '_||_', '!_']);
const choice = '_?_:_';
/** What the parser makes of brackets, operators and macros; not in the list of functions. */
const syntax: ReadonlySet<string> = new Set(['_&&_', '_||_', choice, '_[_]', '@not_strictly_false']);

const dynamic: Part = { gives: 'any', isConstant: false };

/**
 * Checks names, functions and, as far as they don't depend on the object, types. The library's own checker is not part
 * of its public face.
 *
 * @throws WrongExpression
 */
export function checkExpression(expr: Expr, env: CelEnv, variables: readonly string[]): Gives {
  return new Checker(env).part(expr, new Set([...variables, ...typeNames])).gives;
}

class Checker {
  constructor(private readonly env: CelEnv) {}

  part(expr: Expr, scope: ReadonlySet<string>): Part {
    const { exprKind } = expr;
    switch (exprKind.case) {
      case 'constExpr':
        return { gives: constants[exprKind.value.constantKind.case ?? ''] ?? 'other', isConstant: true };
      case 'identExpr':
        if (!scope.has(exprKind.value.name))
          throw new WrongExpression(`the name "${exprKind.value.name}" is not known`);
        return dynamic;
      case 'selectExpr':
        if (exprKind.value.operand !== undefined) this.part(exprKind.value.operand, scope);
        return exprKind.value.testOnly ? { gives: 'boolean', isConstant: false } : dynamic;
      case 'callExpr':
        return this.call(expr, exprKind.value, scope);
      case 'listExpr':
        return { gives: 'list', isConstant: this.areConstant(exprKind.value.elements, scope) };
      case 'structExpr':
        return this.struct(exprKind.value, scope);
      case 'comprehensionExpr':
        return this.comprehension(exprKind.value, scope);
      case undefined:
        throw new WrongExpression('a part of it is empty');
    }
  }

  private areConstant(parts: readonly Expr[], scope: ReadonlySet<string>): boolean {
    return parts.map((each) => this.part(each, scope)).every(({ isConstant }) => isConstant);
  }

  private struct(struct: Extract<Expr['exprKind'], { case: 'structExpr' }>['value'], scope: ReadonlySet<string>): Part {
    if (struct.messageName !== '') throw new WrongExpression(`the type "${struct.messageName}" is not known`);
    const parts = struct.entries.flatMap(({ keyKind, value }) => [
      ...(keyKind.case === 'mapKey' ? [keyKind.value] : []),
      ...(value === undefined ? [] : [value]),
    ]);
    return { gives: 'map', isConstant: this.areConstant(parts, scope) };
  }

  private comprehension(
    loop: Extract<Expr['exprKind'], { case: 'comprehensionExpr' }>['value'],
    scope: ReadonlySet<string>,
  ): Part {
    const within = new Set([...scope, loop.iterVar, loop.iterVar2, loop.accuVar]);
    const first = loop.accuInit === undefined ? dynamic : this.part(loop.accuInit, scope);
    if (loop.iterRange !== undefined) this.part(loop.iterRange, scope);
    for (const each of [loop.loopCondition, loop.loopStep, loop.result])
      if (each !== undefined) this.part(each, within);
    // exists_one counts, and compares the count at the end
    return { gives: first.gives === 'number' ? 'boolean' : first.gives, isConstant: false };
  }

  private call(
    expr: Expr,
    { function: name, target, args }: Extract<Expr['exprKind'], { case: 'callExpr' }>['value'],
    scope: ReadonlySet<string>,
  ): Part {
    const parts = [...(target === undefined ? [] : [target]), ...args].map((each) => this.part(each, scope));
    const isConstant = parts.every((each) => each.isConstant);
    if (logical.has(name)) refuseOther(parts, ['boolean'], 'is no condition');
    if (name === choice) refuseOther(parts.slice(0, 1), ['boolean'], 'is no condition');
    if (isConstant) this.tryConstant(expr);
    return { gives: this.givenByCall(name, parts), isConstant };
  }

  private givenByCall(name: string, parts: readonly Part[]): Gives {
    if (logical.has(name)) return 'boolean';
    if (name === choice) return parts[1]?.gives === parts[2]?.gives ? (parts[1]?.gives ?? 'any') : 'any';
    if (syntax.has(name)) return 'any';
    const group = this.env.funcs.find(name);
    if (group === undefined) throw new WrongExpression(`the function "${name}" is not known`);
    if (name === '_+_') return parts.find(({ gives }) => gives !== 'any')?.gives ?? 'any';
    const results = new Set([...group].map(({ result }) => givenBy[result.toString()] ?? 'any'));
    const [only = 'any', ...others] = results;
    return others.length === 0 ? only : 'any';
  }

  /** What holds for every object can be tried without one. */
  private tryConstant(expr: Expr): void {
    const result = plan(this.env, expr)({});
    if (isCelError(result)) throw new WrongExpression(result.message);
  }
}

function refuseOther(parts: readonly Part[], allowed: readonly Gives[], complaint: string): void {
  const wrong = parts.find(({ gives }) => gives !== 'any' && !allowed.includes(gives));
  if (wrong !== undefined) throw new WrongExpression(`a ${wrong.gives} ${complaint}`);
}
