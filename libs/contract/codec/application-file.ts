import { type DescEnum, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { parseAllDocuments } from 'yaml';
import { dnsLabel, InvalidRequest, isJsonObject, type JsonObject } from '#domain';
import { type ApplicationSpec, ApplicationSpecSchema, ComponentKindSchema, DivisionSchema } from '../wire.js';

/** An application as a file holds it: in Berth's own form, or Kubernetes manifests to be sent as they are. */
export interface ApplicationFile {
  /** The application's id; manifests have none of their own. */
  name: string | undefined;
  environment: string | undefined;
  source: { case: 'spec'; value: ApplicationSpec } | { case: 'manifests'; value: { content: string } };
}

/**
 * Reads `name`, `environment` and `spec` (the JSON of berth.v1.ApplicationSpec; `kind: service` and
 * `division: packed` may be written short). A file whose first document has an `apiVersion` is manifests.
 *
 * @throws InvalidRequest naming the line or field.
 */
export function parseApplicationFile(text: string): ApplicationFile {
  const documents = parseAllDocuments(text);
  const broken = 'empty' in documents ? undefined : documents.flatMap((document) => document.errors)[0];
  if (broken !== undefined) throw wrong('file', firstLine(broken.message));
  const first: unknown = documents[0]?.toJS();
  if (!isJsonObject(first))
    throw wrong('file', 'found no YAML mapping; allowed are name, environment and spec, or Kubernetes manifests');
  if ('apiVersion' in first)
    return { name: undefined, environment: undefined, source: { case: 'manifests', value: { content: text } } };
  if (documents.length > 1)
    throw wrong('file', `found ${documents.length} documents; an application in Berth's form is one`);
  const unknown = Object.keys(first).filter((key) => !['name', 'environment', 'spec'].includes(key));
  if (unknown.length > 0) throw wrong(unknown.join(', '), 'is not known here; allowed are name, environment and spec');
  return {
    name: label(first, 'name'),
    environment: label(first, 'environment'),
    source: { case: 'spec', value: specOf(first.spec) },
  };
}

/** Without the picture of the place that follows, and the colon before it. */
const firstLine = (message: string): string => (message.split('\n')[0] ?? '').replace(/:$/, '');

const wrong = (field: string, description: string) => new InvalidRequest([{ field, description }]);

function label(from: JsonObject, field: string): string | undefined {
  const value = from[field];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && dnsLabel.test(value)) return value;
  throw wrong(field, `found ${JSON.stringify(value)}; allowed are 1 to 63 of a-z, 0-9 and "-"`);
}

function specOf(spec: unknown): ApplicationSpec {
  if (!isJsonObject(spec)) throw wrong('spec', 'found nothing; allowed is what berth.v1.ApplicationSpec holds');
  const json: JsonValue = withLongNames(spec);
  try {
    return fromJson(ApplicationSpecSchema, json);
  } catch (cause) {
    // protobuf names the message and field in its text.
    throw wrong('spec', cause instanceof Error ? cause.message : String(cause));
  }
}

const kinds = wordsOf('COMPONENT_KIND', ComponentKindSchema);
const divisions = wordsOf('DIVISION', DivisionSchema);

/** `service` → `COMPONENT_KIND_SERVICE`, `packed` → `DIVISION_PACKED`: people do not write the long ones. */
function withLongNames(spec: JsonObject): JsonObject {
  const whole = placed(spec, 'spec');
  const { components } = spec;
  if (!Array.isArray(components)) return whole;
  return {
    ...whole,
    components: components.map((each, index) => {
      const path = `spec.components[${index}]`;
      return isJsonObject(each) ? placed(replaced(each, 'kind', kinds, path), path) : each;
    }),
  };
}

function placed(from: JsonObject, path: string): JsonObject {
  if (!isJsonObject(from.placement)) return from;
  return { ...from, placement: replaced(from.placement, 'division', divisions, `${path}.placement`) };
}

/** Short word to long name; long names stay allowed. */
function wordsOf(prefix: string, schema: DescEnum): ReadonlyMap<string, string> {
  const names = schema.values.filter((value) => value.number !== 0).map((value) => value.name);
  return new Map(
    names.map((name) => [
      name
        .slice(prefix.length + 1)
        .toLowerCase()
        .replaceAll('_', '-'),
      name,
    ]),
  );
}

function replaced(from: JsonObject, field: string, words: ReadonlyMap<string, string>, path: string): JsonObject {
  const value = from[field];
  if (typeof value !== 'string' || [...words.values()].includes(value)) return from;
  const long = words.get(value);
  if (long === undefined)
    throw wrong(`${path}.${field}`, `found "${value}"; allowed are ${[...words.keys()].join(', ')}`);
  return { ...from, [field]: long };
}
