import { dnsLabel, isJsonObject, type JsonObject, type JsonValue, type Probe } from '#domain';
import { sameJson } from './json.js';

const timings = {
  initialDelaySeconds: 0,
  periodSeconds: 1,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 1,
} as const;

type Check = Probe['check'];

const isPort = (value: JsonValue | undefined): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;

const portOf = (value: JsonValue | undefined): number | string | undefined =>
  isPort(value) || (typeof value === 'string' && dnsLabel.test(value)) ? value : undefined;

function httpCheck(from: JsonObject): Check | undefined {
  const port = portOf(from.port);
  if (port === undefined || typeof from.path !== 'string') return undefined;
  const headers = (Array.isArray(from.httpHeaders) ? from.httpHeaders : []).map((each) =>
    isJsonObject(each) && typeof each.name === 'string' && typeof each.value === 'string'
      ? { name: each.name, value: each.value }
      : { name: '', value: '' },
  );
  const check: Check = { kind: 'http', path: from.path, port, headers };
  return from.scheme === 'HTTP' || from.scheme === 'HTTPS' ? { ...check, scheme: from.scheme } : check;
}

function checkOf(from: JsonObject): Check | undefined {
  if (isJsonObject(from.httpGet)) return httpCheck(from.httpGet);
  if (isJsonObject(from.tcpSocket)) {
    const port = portOf(from.tcpSocket.port);
    return port === undefined ? undefined : { kind: 'tcp', port };
  }
  if (isJsonObject(from.grpc)) {
    const { port, service } = from.grpc;
    if (!isPort(port)) return undefined;
    return { kind: 'grpc', port, ...(typeof service === 'string' ? { service } : {}) };
  }
  const command = isJsonObject(from.exec) ? from.exec.command : undefined;
  if (!Array.isArray(command) || command.length === 0) return undefined;
  const words = command.filter((each) => typeof each === 'string');
  return words.length === command.length ? { kind: 'exec', command: words } : undefined;
}

/** The probe in the model's words; undefined if they do not say all of it, so that it must be carried verbatim. */
export function probeOf(from: JsonValue): Probe | undefined {
  if (!isJsonObject(from)) return undefined;
  const check = checkOf(from);
  if (check === undefined) return undefined;
  const probe: Probe = { check };
  for (const [field, least] of Object.entries(timings)) {
    const value = from[field];
    if (typeof value === 'number' && Number.isInteger(value) && value >= least)
      Object.assign(probe, { [field]: value });
  }
  return sameJson(probeManifest(probe), from) ? probe : undefined;
}

function checkManifest(check: Check): JsonObject {
  switch (check.kind) {
    case 'http': {
      const headers = check.headers.map(({ name, value }) => ({ name, value }));
      return {
        httpGet: {
          path: check.path,
          port: check.port,
          ...(check.scheme === undefined ? {} : { scheme: check.scheme }),
          ...(headers.length === 0 ? {} : { httpHeaders: headers }),
        },
      };
    }
    case 'tcp':
      return { tcpSocket: { port: check.port } };
    case 'grpc':
      return { grpc: { port: check.port, ...(check.service === undefined ? {} : { service: check.service }) } };
    case 'exec':
      return { exec: { command: [...check.command] } };
  }
}

export function probeManifest(probe: Probe): JsonObject {
  const { check, ...rest } = probe;
  const times = Object.entries(rest).flatMap(([field, value]): [string, number][] =>
    value === undefined ? [] : [[field, value]],
  );
  return { ...Object.fromEntries(times), ...checkManifest(check) };
}
