import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf';
import { InvalidRequest, isJsonObject, type JsonObject, type JsonValue } from '#domain';

/**
 * The JSON of a message as people write it in a file, made the JSON that protobuf reads: `kind: service` becomes
 * `kind: COMPONENT_KIND_SERVICE`; long names stay as they are. Values of a wrong type are left for protobuf to refuse.
 *
 * @throws InvalidRequest for a key or a word that the message doesn't know, with its path and what is allowed.
 */
export function withLongNames(from: JsonObject, schema: DescMessage, path: string): JsonObject {
  const read = Object.entries(from).map(([key, value]): [string, JsonValue] => {
    const field = schema.fields.find(({ name, jsonName }) => name === key || jsonName === key);
    if (field === undefined) {
      const description = `is not known; allowed are ${schema.fields.map(({ jsonName }) => jsonName).join(', ')}`;
      throw wrong(`${path}.${key}`, description);
    }
    return [key, fieldValue(value, field, `${path}.${key}`)];
  });
  return Object.fromEntries(read);
}

const wrong = (field: string, description: string) => new InvalidRequest([{ field, description }]);

function fieldValue(value: JsonValue, field: DescField, path: string): JsonValue {
  if (field.fieldKind === 'list' && Array.isArray(value))
    return value.map((each, index) => single(each, field, `${path}[${index}]`));
  if (field.fieldKind === 'map' && isJsonObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, single(each, field, `${path}.${key}`)]));
  return field.fieldKind === 'list' || field.fieldKind === 'map' ? value : single(value, field, path);
}

function single(value: JsonValue, field: DescField, path: string): JsonValue {
  if (field.enum !== undefined && typeof value === 'string') return longName(value, field.enum, path);
  // protobuf's own types (Duration, Struct …) have a JSON that isn't made of their fields
  if (field.message === undefined || field.message.typeName.startsWith('google.protobuf.')) return value;
  return isJsonObject(value) ? withLongNames(value, field.message, path) : value;
}

function longName(word: string, schema: DescEnum, path: string): string {
  const known = schema.values.filter(({ number }) => number !== 0);
  const found = known.find((value) => value.name === word || shortName(value.name, schema) === word);
  if (found !== undefined) return found.name;
  const allowed = known.map(({ name }) => shortName(name, schema)).join(', ');
  throw wrong(path, `found "${word}"; allowed are ${allowed}`);
}

/** `COMPONENT_KIND_CRON_JOB` → `cron-job`. */
const shortName = (name: string, { sharedPrefix = '' }: DescEnum): string =>
  name.slice(sharedPrefix.length).toLowerCase().replaceAll('_', '-');
