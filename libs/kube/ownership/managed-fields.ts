import { fieldManager, type Instant, isJsonObject, type JsonObject } from '#domain';
import { at, listAt, textAt } from '../client/objects.js';
import type { FieldPath } from './field-path.js';

/** Who has fields of an object. `Apply`: by server-side apply, and so with an intent that lasts. */
export interface FieldHolder {
  manager: string;
  operation: 'Apply' | 'Update';
  /** When it last changed what it has, by the member's clock. */
  at: Instant | undefined;
}

interface ManagerEntry extends FieldHolder {
  fields: JsonObject;
}

const instantOf = (text: string): Instant | undefined => {
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
};

/** Every entry of `metadata.managedFields`. */
export const managersOf = (object: JsonObject): ManagerEntry[] =>
  listAt(object, 'metadata', 'managedFields').map((entry) => ({
    manager: textAt(entry, 'manager'),
    operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
    at: instantOf(textAt(entry, 'time')),
    fields: isJsonObject(entry.fieldsV1) ? entry.fieldsV1 : {},
  }));

const fieldsOf = (object: JsonObject, of: (entry: JsonObject) => boolean): JsonObject[] =>
  listAt(object, 'metadata', 'managedFields').flatMap((entry) =>
    of(entry) && isJsonObject(entry.fieldsV1) ? [entry.fieldsV1] : [],
  );

/** What everybody else has of it. */
export const othersFields = (object: JsonObject): JsonObject[] =>
  fieldsOf(object, ({ manager }) => manager !== fieldManager);

/** What Berth has of an object by its applies, in any API version; undefined when it never applied it. */
export function ownedFields(object: JsonObject): JsonObject | undefined {
  const [first, ...more] = fieldsOf(object, (entry) => entry.manager === fieldManager && entry.operation === 'Apply');
  return first === undefined ? undefined : more.reduce(merged, first);
}

/** An object may have been applied in two versions of its group: what is in either is had. */
function merged(a: JsonObject, b: JsonObject): JsonObject {
  const out = { ...a };
  for (const [segment, theirs] of Object.entries(b)) {
    const ours = out[segment];
    out[segment] = isJsonObject(ours) && isJsonObject(theirs) ? merged(ours, theirs) : theirs;
  }
  return out;
}

const isLeaf = (fields: JsonObject): boolean => Object.keys(fields).length === 0;

/** Whether a set says anything at the path, below it, or of the whole that it is a part of. */
function touches(fields: JsonObject, [segment, ...deeper]: FieldPath): boolean {
  if (segment === undefined) return true;
  const below = fields[segment];
  if (!isJsonObject(below)) return false;
  return isLeaf(below) || touches(below, deeper);
}

/** Who else has the field, or some of what is below it. */
export const holdersOf = (object: JsonObject, path: FieldPath): FieldHolder[] =>
  managersOf(object)
    .filter((entry) => entry.manager !== fieldManager && touches(entry.fields, path))
    .map(({ manager, operation, at }) => ({ manager, operation, at }));

/** Managers besides Berth that apply this object. */
export const appliersOf = (object: JsonObject): string[] => [
  ...new Set(
    managersOf(object)
      .filter(({ manager, operation }) => operation === 'Apply' && manager !== fieldManager)
      .map(({ manager }) => manager),
  ),
];

/** Whether Berth's own set names the field itself. */
export const owns = (fields: JsonObject | undefined, path: FieldPath): boolean =>
  fields !== undefined && at(fields, ...path) !== undefined;
