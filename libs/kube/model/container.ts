import {
  type Container,
  dnsLabel,
  type FieldViolation,
  formatBytes,
  formatMcpu,
  InvalidQuantity,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseBytes,
  parseMcpu,
} from '#domain';
import { isEmpty, objectAt, shown, without } from './json.js';
import { probeManifest, probeOf } from './probe.js';

/**
 * A Kubernetes container ⇄ the model's. A field is put in the model's words only if they give all of it back;
 * what they do not is carried in `extra` as it came.
 */

const probes = { readiness: 'readinessProbe', liveness: 'livenessProbe', startup: 'startupProbe' } as const;

/** Collects what is wrong with one manifest, under its path. */
export interface Complaints {
  add(field: string, description: string): void;
}

export const complaintsInto = (list: FieldViolation[]): Complaints => ({
  add: (field, description) => list.push({ field, description }),
});

function requiredText(from: JsonObject, key: string, path: string, wrong: Complaints): string {
  const value = from[key];
  if (typeof value === 'string') return value;
  wrong.add(`${path}.${key}`, `found ${shown(value)}; a text is needed`);
  return '';
}

function textsOf(value: JsonValue | undefined, path: string, wrong: Complaints): string[] {
  if (!Array.isArray(value)) {
    if (value !== undefined && value !== null) wrong.add(path, `found ${shown(value)}; allowed is a list of texts`);
    return [];
  }
  value.forEach((each, index) => {
    if (typeof each !== 'string')
      wrong.add(`${path}[${index}]`, `found ${shown(each)}; allowed is a text, so put it in quotes`);
  });
  return value.filter((each) => typeof each === 'string');
}

const hasOnly = (from: JsonObject, keys: readonly string[]): boolean =>
  Object.keys(from).every((key) => keys.includes(key));

/** All of the list in the model's words, or none of it: its order has a meaning ($(NAME) in later variables). */
function envOf(value: JsonValue | undefined, path: string, wrong: Complaints): Container['env'] {
  if (!Array.isArray(value)) return [];
  value.forEach((each, index) => {
    const found = isJsonObject(each) ? each.value : undefined;
    if (found !== undefined && found !== null && typeof found !== 'string')
      wrong.add(`${path}[${index}].value`, `found ${shown(found)}; allowed is a text, so put it in quotes`);
  });
  const taken = value.flatMap((each) =>
    isJsonObject(each) &&
    hasOnly(each, ['name', 'value']) &&
    typeof each.name === 'string' &&
    each.name !== '' &&
    typeof each.value === 'string'
      ? [{ name: each.name, value: each.value }]
      : [],
  );
  return taken.length === value.length ? taken : [];
}

function portOf(from: JsonValue): Container['ports'][number] | undefined {
  if (!isJsonObject(from) || !hasOnly(from, ['name', 'containerPort', 'protocol'])) return undefined;
  const { name, containerPort: port, protocol } = from;
  if (typeof port !== 'number') return undefined;
  if (name !== undefined && (typeof name !== 'string' || !dnsLabel.test(name))) return undefined;
  if (protocol !== undefined && protocol !== 'TCP' && protocol !== 'UDP' && protocol !== 'SCTP') return undefined;
  return { ...(name === undefined ? {} : { name }), port, ...(protocol === undefined ? {} : { protocol }) };
}

function portsOf(value: JsonValue | undefined, path: string, wrong: Complaints): Container['ports'] {
  if (!Array.isArray(value)) return [];
  value.forEach((each, index) => {
    const found = isJsonObject(each) ? each.containerPort : each;
    if (typeof found !== 'number' || !Number.isInteger(found))
      wrong.add(`${path}[${index}].containerPort`, `found ${shown(found)}; allowed is a whole number, 1 to 65535`);
  });
  const taken = value.map(portOf).filter((each) => each !== undefined);
  return taken.length === value.length ? taken : [];
}

function amountOf(
  value: JsonValue | undefined,
  parse: (text: string) => number,
  path: string,
  wrong: Complaints,
): number | undefined {
  if (value === undefined || value === null) return undefined;
  try {
    return parse(typeof value === 'number' ? String(value) : typeof value === 'string' ? value : shown(value));
  } catch (cause) {
    if (!(cause instanceof InvalidQuantity)) throw cause;
    wrong.add(path, cause.message);
    return undefined;
  }
}

/** CPU and memory as numbers. Quantities are rounded up to whole millicores and bytes, as Kubernetes' scheduler does. */
export function amountsOf(from: JsonObject | undefined, path: string, wrong: Complaints): Container['requests'] {
  const mcpu = amountOf(from?.cpu, parseMcpu, `${path}.cpu`, wrong);
  const memoryBytes = amountOf(from?.memory, parseBytes, `${path}.memory`, wrong);
  return { ...(mcpu === undefined ? {} : { mcpu }), ...(memoryBytes === undefined ? {} : { memoryBytes }) };
}

function amountsManifest({ mcpu, memoryBytes }: Container['requests']): JsonObject {
  return {
    ...(mcpu === undefined ? {} : { cpu: formatMcpu(mcpu) }),
    ...(memoryBytes === undefined ? {} : { memory: formatBytes(memoryBytes) }),
  };
}

/** What stays of `resources` beside CPU and memory; undefined if nothing does. */
function resourcesLeft(from: JsonObject): JsonObject | undefined {
  if (isEmpty(from)) return from;
  const entries = Object.entries(from).flatMap(([key, value]): [string, JsonValue][] => {
    if ((key !== 'requests' && key !== 'limits') || !isJsonObject(value) || isEmpty(value)) return [[key, value]];
    const left = Object.fromEntries(
      Object.entries(value).filter(([name, each]) => each === null || (name !== 'cpu' && name !== 'memory')),
    );
    return isEmpty(left) ? [] : [[key, left]];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function extraOf(raw: JsonObject, taken: Omit<Container, 'extra'>): JsonObject {
  const spoken = new Set<string>(['name', 'image']);
  for (const list of ['command', 'args', 'env', 'ports'] as const) if (taken[list].length > 0) spoken.add(list);
  for (const [word, field] of Object.entries(probes)) if (word in taken) spoken.add(field);
  const extra = without(raw, ...spoken);
  if (!isJsonObject(raw.resources)) return extra;
  const left = resourcesLeft(raw.resources);
  return left === undefined ? without(extra, 'resources') : { ...extra, resources: left };
}

export function containerOf(raw: JsonValue, path: string, wrong: Complaints): Container | undefined {
  if (!isJsonObject(raw)) {
    wrong.add(path, `found ${shown(raw)}; allowed is a container`);
    return undefined;
  }
  const probeEntries = Object.entries(probes).flatMap(([word, field]) => {
    const probe = probeOf(raw[field] ?? null);
    return probe === undefined ? [] : [[word, probe]];
  });
  const resources = objectAt(raw, 'resources');
  const taken: Omit<Container, 'extra'> = {
    name: requiredText(raw, 'name', path, wrong),
    image: requiredText(raw, 'image', path, wrong),
    command: textsOf(raw.command, `${path}.command`, wrong),
    args: textsOf(raw.args, `${path}.args`, wrong),
    env: envOf(raw.env, `${path}.env`, wrong),
    ports: portsOf(raw.ports, `${path}.ports`, wrong),
    requests: amountsOf(objectAt(resources, 'requests'), `${path}.resources.requests`, wrong),
    limits: amountsOf(objectAt(resources, 'limits'), `${path}.resources.limits`, wrong),
    ...Object.fromEntries(probeEntries),
  };
  return { ...taken, extra: extraOf(raw, taken) };
}

function resourcesManifest(container: Container): JsonObject {
  const left = objectAt(container.extra, 'resources');
  const both = (['requests', 'limits'] as const).flatMap((list): [string, JsonObject][] => {
    const merged = { ...objectAt(left, list), ...amountsManifest(container[list]) };
    return isEmpty(merged) && left?.[list] === undefined ? [] : [[list, merged]];
  });
  if (both.length === 0 && left === undefined) return {};
  return { resources: { ...left, ...Object.fromEntries(both) } };
}

export function containerManifest(container: Container): JsonObject {
  const { name, image, command, args, env, ports, extra } = container;
  const listed: JsonObject = {
    command: [...command],
    args: [...args],
    env: env.map((each) => ({ name: each.name, value: each.value })),
    ports: ports.map((each) => ({
      ...(each.name === undefined ? {} : { name: each.name }),
      containerPort: each.port,
      ...(each.protocol === undefined ? {} : { protocol: each.protocol }),
    })),
  };
  const filled = Object.entries(listed).filter(([, value]) => Array.isArray(value) && value.length > 0);
  const probed = Object.entries(probes).flatMap(([word, field]): [string, JsonObject][] => {
    const probe = container[word as keyof typeof probes];
    return probe === undefined ? [] : [[field, probeManifest(probe)]];
  });
  return {
    ...extra,
    name,
    image,
    ...Object.fromEntries(filled),
    ...resourcesManifest(container),
    ...Object.fromEntries(probed),
  };
}
