import { type FieldViolation, InvalidRequest, isJsonObject, type JsonObject, type JsonValue, limits } from '#domain';
import { shown } from './json.js';
import type { KubernetesObject } from './kinds.js';
import { refuseSecretsIn } from './secrets.js';
import { readDocuments } from './yaml-documents.js';

/** Deeper than any manifest that Kubernetes serves. */
const maxDepth = 64;
const maxObjects = 1000;
/** Aliases are written out: what counts is how many values come of them. */
const maxValues = 200_000;

class Bounds {
  private left = maxValues;

  /** A copy that shares nothing, of JSON's types alone. */
  copy(value: unknown, path: string, depth: number): JsonValue {
    this.left -= 1;
    if (this.left < 0) throw invalid('manifests', `found more than ${maxValues} values`);
    if (depth > maxDepth) throw invalid(path.slice(0, 200), `is nested deeper than ${maxDepth}`);
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    if (Array.isArray(value)) return value.map((each, index) => this.copy(each, `${path}[${index}]`, depth + 1));
    if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
      return Object.fromEntries(
        Object.entries(value).map(([key, each]) => {
          const field = `${path}.${key}`;
          if (key === '__proto__') throw invalid(field, 'is a name that no Kubernetes field has');
          return [key, this.copy(each, field, depth + 1)];
        }),
      );
    throw invalid(path, `found ${String(value)}; allowed are texts, numbers, true, false, null, lists and objects`);
  }
}

const invalid = (field: string, description: string): InvalidRequest => new InvalidRequest([{ field, description }]);

/** `kind: List` (and DeploymentList, …) holds objects; everything else is one. */
function flattened(value: JsonValue): JsonValue[] {
  if (!isJsonObject(value)) return [value];
  const { kind, items } = value;
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return [value];
  return items.flatMap(flattened);
}

const isObjectOfKubernetes = (value: JsonObject): value is KubernetesObject =>
  typeof value.apiVersion === 'string' &&
  value.apiVersion !== '' &&
  typeof value.kind === 'string' &&
  value.kind !== '' &&
  isJsonObject(value.metadata) &&
  typeof value.metadata.name === 'string' &&
  value.metadata.name !== '';

function shapeViolations(value: JsonValue, path: string): FieldViolation[] {
  if (!isJsonObject(value))
    return [{ field: path, description: `found ${shown(value)}; allowed is a Kubernetes object` }];
  const metadata = isJsonObject(value.metadata) ? value.metadata : {};
  const required = { apiVersion: value.apiVersion, kind: value.kind, 'metadata.name': metadata.name };
  return Object.entries(required)
    .filter(([, each]) => typeof each !== 'string' || each === '')
    .map(([field, each]) => ({
      field: `${path}.${field}`,
      description: `found ${shown(each)}; every Kubernetes object needs a text here`,
    }));
}

/**
 * Reads manifests as kubectl would: YAML of many documents, or JSON; lists are taken apart, empty documents left out.
 * At most 2 MiB, 1,000 objects; aliases are written out and bounded.
 *
 * @throws InvalidRequest naming the document and line, or the object by its place among all (`manifests[3].kind`).
 * @throws NotBuilt when a Secret, or a reference to one, is among them.
 */
export function parseManifests(text: string): KubernetesObject[] {
  const size = Buffer.byteLength(text);
  if (size > limits.specBytes)
    throw invalid('manifests', `found ${size} bytes; allowed are at most ${limits.specBytes}`);
  const bounds = new Bounds();
  const values = readDocuments(text).flatMap((document, index) =>
    flattened(bounds.copy(document, `manifests[${index}]`, 0)),
  );
  const filled = values.filter((value) => value !== null);
  if (filled.length === 0) throw invalid('manifests', 'found no object; at least one workload is needed');
  if (filled.length > maxObjects)
    throw invalid('manifests', `found ${filled.length} objects; allowed are at most ${maxObjects}`);
  const violations = filled.flatMap((value, index) => shapeViolations(value, `manifests[${index}]`));
  refuseSecretsIn(filled.filter((value) => isJsonObject(value)));
  if (violations.length > 0) throw new InvalidRequest(violations);
  return filled.filter((value) => isJsonObject(value)).filter(isObjectOfKubernetes);
}
