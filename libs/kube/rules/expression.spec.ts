import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '#domain';
import { compileExpression, evaluable } from './expression.js';

const evaluate = (text: string, object: JsonObject, gives: 'boolean' | 'text' = 'boolean') => {
  const compiled = compileExpression(text, gives);
  if (compiled.kind === 'refused') throw new Error(`refused: ${compiled.found}`);
  return compiled.expression.evaluate(evaluable(object));
};
const database: JsonObject = {
  metadata: { generation: 3, managedFields: [{ manager: 'x' }] },
  spec: { members: 3, weight: 0.5 },
  status: {
    phase: 'Running',
    ready: 3,
    observedGeneration: 3,
    conditions: [{ type: 'Ready', status: 'True', message: 'all well' }],
  },
};

describe('an expression over an object', () => {
  it.each([
    'object.status.phase == "Running"',
    'object.status.ready == object.spec.members',
    'object.status.ready + 1 > 3 && object.spec.weight < 1.0',
    'object.status.conditions.exists(c, c.type == "Ready" && c.status == "True")',
    'object.status.conditions.exists_one(c, c.type == "Ready")',
    'has(object.status.phase) && !has(object.status.missing)',
    'object.status.conditions.filter(c, c.status == "True").size() == 1',
    'object.status.phase in ["Running", "Idle"]',
    'object.status.phase.matches("^Run") ? true : false',
    '!has(object.metadata.managedFields)',
    'type(object.spec.members) == int',
  ])('%s holds', (text) => {
    expect(evaluate(text, database)).toEqual({ kind: 'value', value: true });
  });

  it('gives a text', () => {
    expect(evaluate('string(object.status.ready) + " of " + string(object.spec.members)', database, 'text')).toEqual({
      kind: 'value',
      value: '3 of 3',
    });
  });

  it.each([
    ['object.status.phase ==', 'expecting'],
    ['objekt.status.phase == "x"', 'the name "objekt" is not known'],
    ['object.list.exists(c, d.type == "x")', 'the name "d" is not known'],
    ['object.status.frobnicate()', 'the function "frobnicate" is not known'],
    ['object.status.phase.replace("a", "b") == ""', 'the function "replace" is not known'],
    ['1 + "a" == object.x', 'no matching overload'],
    ['object.status.ready + 1 && true', 'a number is no condition'],
    ['"Running"', 'it gives a text'],
    ['size(object.list)', 'it gives a number'],
    ['object.list.map(c, c.type)', 'it gives a list'],
    ['google.protobuf.Timestamp{seconds: 1} == object.x', 'not known'],
    [`${'('.repeat(500)}1${')'.repeat(500)}`, ''],
  ])('refuses %s', (text, found) => {
    expect(compileExpression(text, 'boolean')).toEqual({ kind: 'refused', found: expect.stringContaining(found) });
  });

  it('tells of a field that is missing, and of what is neither true nor false', () => {
    expect(evaluate('object.status.fase == "x"', database)).toMatchObject({ kind: 'failed' });
    expect(evaluate('object.status.phase', database)).toEqual({
      kind: 'failed',
      why: 'it gives a string, not a boolean',
    });
  });

  it('gives up what takes too long, and says so', () => {
    const list = Array.from({ length: 1_000 }, (_, index) => index);
    const nested = 'object.l.all(a, object.l.all(b, object.l.all(c, a + b + c >= 0)))';
    expect(evaluate(nested, { l: list })).toMatchObject({ kind: 'failed', why: expect.stringContaining('steps') });
    // absorbing the end of a loop must not look like an answer
    expect(evaluate(`true || ${nested}`, { l: list })).toEqual({ kind: 'value', value: true });
    expect(evaluate(`${nested} || true`, { l: list })).toMatchObject({ kind: 'failed' });
  });

  it.each([
    ['big in characters', { text: 'x'.repeat(300_000) }],
    ['big in values', { list: Array.from({ length: 30_000 }, () => 1) }],
    ['deep', JSON.parse(`${'{"a":'.repeat(80)}1${'}'.repeat(80)}`)],
  ])('does not judge an object that is too %s', (_, object) => {
    expect(evaluate('has(object.a)', object)).toMatchObject({ kind: 'failed', why: expect.stringContaining('too') });
  });

  it('matches no long text and no long pattern', () => {
    const object = { text: 'a'.repeat(200_000), pattern: '(a*)*'.repeat(200) };
    expect(evaluate('object.text.matches("a*b")', object)).toMatchObject({ kind: 'failed' });
    expect(evaluate('"a".matches(object.pattern)', object)).toMatchObject({ kind: 'failed' });
  });

  it('never throws, whatever the object', () => {
    const texts = [
      'object.status.conditions.exists(c, c.type == "Ready" && c.status == "True")',
      'object.status.ready >= object.spec.replicas',
      'object["a"][0].b.matches(object.pattern)',
      'object.a.map(x, x.b + object.c).size() > int(object.d)',
    ];
    const field = fc.constantFrom('status', 'spec', 'conditions', 'a', 'b', 'pattern', 'ready', '__proto__', 'type');
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 5 }, fc.jsonValue({ maxDepth: 1 }), tie('list'), tie('map')),
      list: fc.array(tie('value'), { maxLength: 4 }),
      map: fc.dictionary(field, tie('value'), { maxKeys: 5 }),
    }));
    fc.assert(
      fc.property(fc.dictionary(field, value), fc.constantFrom(...texts), (object, text) => {
        const compiled = compileExpression(text, 'boolean');
        expect(compiled.kind).toBe('compiled');
        if (compiled.kind === 'compiled') compiled.expression.evaluate(evaluable(object as JsonObject));
      }),
    );
  });

  it('never throws, whatever the text', () => {
    const token = fc.constantFrom(
      ...'object . status ( ) [ ] { } , ? : && || ! == + - * / % "a" 1 2.5 true null has all exists map x in'.split(
        ' ',
      ),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(token, { maxLength: 25 }).map((all) => all.join(' ')),
        ),
        (text) => {
          compileExpression(text, 'boolean');
        },
      ),
    );
  });
});
