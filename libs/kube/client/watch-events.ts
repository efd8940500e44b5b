import { isJsonObject, type JsonObject, type JsonValue } from '#domain';
import { GarbledAnswer, type KubeError } from './errors.js';
import { LineTooLong, linesOf } from './lines.js';
import { numberAt, textAt } from './objects.js';
import { refusalOf } from './refusals.js';

export type WatchEvent =
  | { type: 'changed'; object: JsonObject }
  | { type: 'deleted'; object: JsonObject }
  | { type: 'bookmark'; resourceVersion: string };

/** etcd takes 1.5 MB; managedFields and JSON's quoting can double that. */
const longestLine = 8 * 1024 * 1024;

const jsonOf = (line: string): JsonValue | undefined => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // eventOf says what came
  }
};

function eventOf(call: string, line: string): WatchEvent | KubeError {
  const event = jsonOf(line);
  const object = isJsonObject(event) ? event.object : undefined;
  if (!isJsonObject(event) || !isJsonObject(object))
    return new GarbledAnswer({ call }, 'a line that is no watch event');
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'changed', object };
    case 'DELETED':
      return { type: 'deleted', object };
    case 'BOOKMARK':
      return { type: 'bookmark', resourceVersion: textAt(object, 'metadata', 'resourceVersion') };
    case 'ERROR':
      return refusalOf(call, numberAt(object, 'code') ?? 500, object);
    default:
      return new GarbledAnswer({ call }, `an event of type ${JSON.stringify(event.type)}`);
  }
}

/** Typed events of one watch. An ERROR event and a garbled line are thrown as `KubeError`. */
export async function* watchEvents(call: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<WatchEvent> {
  try {
    for await (const line of linesOf(bytes, longestLine)) {
      if (line.trim() === '') continue;
      const event = eventOf(call, line);
      if (event instanceof Error) throw event;
      yield event;
    }
  } catch (cause) {
    throw cause instanceof LineTooLong ? new GarbledAnswer({ call }, cause.message, { cause }) : cause;
  }
}
