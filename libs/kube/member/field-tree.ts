import { type FieldTree, isJsonObject, type JsonObject, type JsonValue } from '#domain';
import { listAt, textAt } from '../client/objects.js';

/** Named definitions of an OpenAPI document: `definitions` of v2, `components.schemas` of v3. */
export type Definitions = JsonObject;

/** Metadata fields that Berth sets or carries; managedFields and the server's own are of no use to it. */
const metadataFields: FieldTree = {
  name: true,
  namespace: true,
  labels: true,
  annotations: true,
  generateName: true,
  finalizers: true,
  ownerReferences: true,
};

const referenceOf = (schema: JsonObject): string | undefined => {
  const direct = textAt(schema, '$ref');
  // v3 wraps a reference to put a default or description beside it
  const wrapped = listAt(schema, 'allOf').map((each) => textAt(each, '$ref'))[0] ?? '';
  const reference = direct || wrapped;
  return reference === '' ? undefined : reference.slice(reference.lastIndexOf('/') + 1);
};

/** Large and never in what is applied: no template may hold the first, nobody may send the second. */
const cutFields: ReadonlySet<string> = new Set(['ephemeralContainers', 'managedFields']);

/** The declared fields under a schema; lists are transparent, maps and scalars are leaves, recursion is cut. */
function treeOf(schema: JsonValue | undefined, definitions: Definitions, above: ReadonlySet<string>): FieldTree {
  if (!isJsonObject(schema)) return true;
  const name = referenceOf(schema);
  if (name !== undefined)
    return above.has(name) ? true : treeOf(definitions[name], definitions, new Set([...above, name]));
  if (isJsonObject(schema.items)) return treeOf(schema.items, definitions, above);
  if (!isJsonObject(schema.properties) || schema['x-kubernetes-preserve-unknown-fields'] === true) return true;
  const fields = Object.keys(schema.properties).sort();
  if (fields.length === 0) return true;
  const { properties } = schema;
  return Object.fromEntries(
    fields.map((field) => [field, cutFields.has(field) || treeOf(properties[field], definitions, above)]),
  );
}

const servesKind = (definition: JsonValue | undefined, apiVersion: string, kind: string): boolean =>
  isJsonObject(definition) &&
  listAt(definition, 'x-kubernetes-group-version-kind').some((gvk) => {
    const group = textAt(gvk, 'group');
    const version = textAt(gvk, 'version');
    return textAt(gvk, 'kind') === kind && (group === '' ? version : `${group}/${version}`) === apiVersion;
  });

/** The fields that the server declares for a kind; undefined when the document does not have it. */
export function fieldTree(definitions: Definitions, apiVersion: string, kind: string): FieldTree | undefined {
  const name = Object.keys(definitions).find((each) => servesKind(definitions[each], apiVersion, kind));
  if (name === undefined) return undefined;
  const tree = treeOf(definitions[name], definitions, new Set([name]));
  if (tree === true) return true;
  const { status, metadata, ...rest } = tree;
  return {
    ...rest,
    ...(metadata === undefined ? {} : { metadata: metadataFields }),
    ...(status === undefined ? {} : { status: true }),
  };
}
