import { fromJson } from '@bufbuild/protobuf';
import { parseAllDocuments } from 'yaml';
import { dnsLabel, InvalidRequest, isJsonObject, type JsonObject } from '#domain';
import { type ApplicationSpec, ApplicationSpecSchema } from '../wire.js';
import { withLongNames } from './file-json.js';

/** An application as a file holds it: in Berth's own form, or Kubernetes manifests to be sent as they are. */
export interface ApplicationFile {
  /** The application's id; manifests have none of their own. */
  name: string | undefined;
  environment: string | undefined;
  source: { case: 'spec'; value: ApplicationSpec } | { case: 'manifests'; value: { content: string } };
}

/**
 * Reads `name`, `environment` and `spec` (the JSON of berth.v1.ApplicationSpec; enum values may be
 * written short, like `kind: service`). A file whose first document has an `apiVersion` is manifests.
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
  const json = withLongNames(spec, ApplicationSpecSchema, 'spec');
  try {
    return fromJson(ApplicationSpecSchema, json);
  } catch (cause) {
    // protobuf names the message and field in its text.
    throw wrong('spec', cause instanceof Error ? cause.message : String(cause));
  }
}
