import { typeTable } from './table.js';

export type Scalar =
  | 'string'
  | 'int32'
  | 'int64'
  | 'number'
  | 'boolean'
  | 'time'
  | 'microTime'
  | 'bytes'
  | 'quantity'
  | 'intOrString'
  | 'any';

/** How a value is typed, and how server-side apply merges it. */
export type TypeRef =
  | { readonly kind: 'scalar'; readonly scalar: Scalar }
  | StructRef
  /** Whatever comes: maps merge by field, lists and scalars are one piece (`x-kubernetes-preserve-unknown-fields`). */
  | { readonly kind: 'deduced' }
  | { readonly kind: 'map'; readonly of: TypeRef; readonly atomic: boolean }
  | { readonly kind: 'list'; readonly of: TypeRef; readonly merge: ListMerge };

export interface StructRef {
  readonly kind: 'struct';
  readonly struct: StructType;
}

/** `keys` names the fields that tell one item of a list from another, `defaults` what those are when left out. */
export type ListMerge =
  | { readonly by: 'atomic' }
  | { readonly by: 'set' }
  | { readonly by: 'keys'; readonly keys: readonly string[]; readonly defaults: Readonly<Record<string, unknown>> };

export interface StructType {
  readonly name: string;
  readonly atomic: boolean;
  readonly fields: ReadonlyMap<string, TypeRef>;
  readonly required: readonly string[];
  /** Takes fields that it does not declare. */
  readonly open: boolean;
}

const scalars: Record<string, Scalar> = {
  s: 'string',
  i: 'int32',
  l: 'int64',
  n: 'number',
  b: 'boolean',
  t: 'time',
  m: 'microTime',
  y: 'bytes',
  q: 'quantity',
  x: 'intOrString',
  o: 'any',
};

/** A type of the table, looked up when it is needed: lines may name each other, and themselves. */
class TableRef implements StructRef {
  readonly kind = 'struct';

  constructor(private readonly name: string) {}

  get struct(): StructType {
    return structNamed(this.name);
  }
}

export function structRef(name: string): StructRef {
  return new TableRef(name);
}

function parseRef(text: string): TypeRef {
  const list = /^\[(.*)\](?:\((.*)\))?$/.exec(text);
  if (list !== null) return { kind: 'list', of: parseRef(list[1] ?? ''), merge: parseMerge(list[2]) };
  const map = /^\{(.*)\}(~?)$/.exec(text);
  if (map !== null) return { kind: 'map', of: parseRef(map[1] ?? ''), atomic: map[2] === '~' };
  const scalar = scalars[text];
  return scalar === undefined ? structRef(text) : { kind: 'scalar', scalar };
}

/** Defaults that take part in an item's identity: a port without `protocol` is a TCP port. */
const keyDefaults: Readonly<Record<string, string>> = { protocol: 'TCP' };

function parseMerge(text: string | undefined): ListMerge {
  if (text === undefined) return { by: 'atomic' };
  return text === 'set' ? { by: 'set' } : { by: 'keys', keys: text.split(','), defaults: keyDefaults };
}

function parseType(line: string): StructType {
  const [name = '', ...fieldTexts] = line.split(' ');
  const fields = new Map<string, TypeRef>();
  const required: string[] = [];
  for (const text of fieldTexts) {
    const colon = text.indexOf(':');
    const field = text.slice(0, colon);
    if (text.endsWith('!')) required.push(field);
    fields.set(field, parseRef(text.slice(colon + 1).replace(/!$/, '')));
  }
  return { name: name.replace('~', ''), atomic: name.endsWith('~'), fields, required, open: false };
}

export const types: ReadonlyMap<string, StructType> = new Map(
  typeTable
    .trim()
    .split('\n')
    .map(parseType)
    .map((type) => [type.name, type]),
);

function structNamed(name: string): StructType {
  const found = types.get(name);
  if (found === undefined) throw new Error(`no type ${name} in the table`);
  return found;
}

export const deduced: TypeRef = { kind: 'deduced' };
const anything: TypeRef = { kind: 'scalar', scalar: 'any' };

/** The type of a field or map entry below `type`; undefined when the schema does not declare it. */
export function fieldType(type: TypeRef, field: string): TypeRef | undefined {
  if (type.kind === 'struct') return type.struct.fields.get(field) ?? (type.struct.open ? deduced : undefined);
  if (type.kind === 'map') return type.of;
  if (type.kind === 'deduced') return deduced;
  return type.kind === 'scalar' && type.scalar === 'any' ? anything : undefined;
}

/** Replaced as one piece by server-side apply. */
export function isAtomic(type: TypeRef): boolean {
  if (type.kind === 'struct') return type.struct.atomic;
  if (type.kind === 'map') return type.atomic;
  if (type.kind === 'deduced') return false;
  return type.kind === 'scalar' || type.merge.by === 'atomic';
}
