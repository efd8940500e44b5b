import { isJsonObject, type JsonObject, type JsonValue } from '#domain';

/**
 * `protocol` is a merge key of ports in server-side apply, and the API servers before 1.23 refuse an apply in which a
 * Service port leaves it out (kubernetes/kubernetes#92332). The published default is TCP, so that is what it becomes.
 */
const defaultProtocol = 'TCP';

const withProtocols = (ports: JsonValue): JsonValue =>
  Array.isArray(ports)
    ? ports.map((each) =>
        isJsonObject(each) && (each.protocol === undefined || each.protocol === null)
          ? { ...each, protocol: defaultProtocol }
          : each,
      )
    : ports;

function mapField(from: JsonObject, key: string, change: (value: JsonValue) => JsonValue): JsonObject {
  const value = from[key];
  return value === undefined ? from : { ...from, [key]: change(value) };
}

const eachObject =
  (change: (value: JsonObject) => JsonObject) =>
  (list: JsonValue): JsonValue =>
    Array.isArray(list) ? list.map((each) => (isJsonObject(each) ? change(each) : each)) : list;

/** Service `spec` with the default protocol on each port. */
export const serviceSpecDefaults = (spec: JsonObject): JsonObject => mapField(spec, 'ports', withProtocols);

/** Pod `spec` with the default protocol on each port of each container. */
export const podSpecDefaults = (spec: JsonObject): JsonObject =>
  ['containers', 'initContainers'].reduce(
    (podSpec, list) =>
      mapField(
        podSpec,
        list,
        eachObject((container) => mapField(container, 'ports', withProtocols)),
      ),
    spec,
  );
