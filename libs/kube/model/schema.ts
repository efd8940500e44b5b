import { type ClusterSchema, type FieldTree, type JsonObject, type JsonValue } from '#domain';

/** A field that a cluster's version does not declare. An empty path: it does not serve the kind at all. */
export interface SchemaMismatch {
  /** `apps/v1/Deployment` */
  kind: string;
  /** `spec.template.spec.containers[0].readinessProbe.grpc` */
  path: string;
}

/** Says where, from the inside out, so that what fits costs no text. */
function mismatch(value: JsonValue, tree: FieldTree, report: (path: string) => void): void {
  if (tree === true || value === null || typeof value !== 'object') return;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1)
      mismatch(value[index] ?? null, tree, (path) => report(`[${index}]${path}`));
    return;
  }
  for (const key in value) {
    const declared = Object.hasOwn(tree, key) ? tree[key] : undefined;
    if (declared === undefined) report(`.${key}`);
    else mismatch(value[key] ?? null, declared, (path) => report(`.${key}${path}`));
  }
}

const everywhere: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/** Which fields of these objects a cluster's declared schema lacks, in the objects' order. Lists stand for their items. */
export function schemaMismatches(objects: readonly JsonObject[], schema: ClusterSchema): SchemaMismatch[] {
  return objects.flatMap((object) => {
    const kind = `${String(object.apiVersion)}/${String(object.kind)}`;
    const tree = Object.hasOwn(schema, kind) ? schema[kind] : undefined;
    if (tree === undefined) return [{ kind, path: '' }];
    if (tree === true) return [];
    const found: SchemaMismatch[] = [];
    for (const key in object) {
      if (everywhere.has(key)) continue;
      const declared = Object.hasOwn(tree, key) ? tree[key] : undefined;
      if (declared === undefined) found.push({ kind, path: key });
      else mismatch(object[key] ?? null, declared, (path) => found.push({ kind, path: `${key}${path}` }));
    }
    return found;
  });
}
