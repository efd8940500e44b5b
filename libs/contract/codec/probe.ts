import type { MessageInitShape } from '@bufbuild/protobuf';
import type { FieldViolation, Probe } from '#domain';
import type * as wire from '../wire.js';
import { defined } from './optional.js';

type Check = Probe['check'];
type PortRef = number | string;

function portFromWire(from: wire.PortRef | undefined, path: string, wrong: FieldViolation[]): PortRef {
  if (from?.port.case !== undefined) return from.port.value;
  wrong.push({ field: path, description: 'found nothing; allowed is a number (1 to 65535) or the name of a port' });
  return 1;
}

const portToWire = (port: PortRef): MessageInitShape<typeof wire.PortRefSchema> => ({
  port: typeof port === 'number' ? { case: 'number', value: port } : { case: 'name', value: port },
});

const schemeFromWire = (scheme: string, path: string, wrong: FieldViolation[]): 'HTTP' | 'HTTPS' | undefined => {
  if (scheme === '') return undefined;
  if (scheme === 'HTTP' || scheme === 'HTTPS') return scheme;
  wrong.push({ field: path, description: `found "${scheme}"; allowed are HTTP and HTTPS` });
  return undefined;
};

function checkFromWire(from: wire.Probe['check'], path: string, wrong: FieldViolation[]): Check {
  switch (from.case) {
    case 'http':
      return {
        kind: 'http',
        path: from.value.path,
        port: portFromWire(from.value.port, `${path}.http.port`, wrong),
        ...defined({ scheme: schemeFromWire(from.value.scheme, `${path}.http.scheme`, wrong) }),
        headers: from.value.headers.map(({ name, value }) => ({ name, value })),
      };
    case 'tcp':
      return { kind: 'tcp', port: portFromWire(from.value.port, `${path}.tcp.port`, wrong) };
    case 'grpc':
      return { kind: 'grpc', port: from.value.port, ...defined({ service: from.value.service }) };
    case 'exec':
      return { kind: 'exec', command: [...from.value.command] };
    case undefined:
      wrong.push({ field: path, description: 'found no check; allowed is one of http, tcp, grpc, exec' });
      return { kind: 'tcp', port: 1 };
  }
}

export function probeFromWire(from: wire.Probe | undefined, path: string, wrong: FieldViolation[]): Probe | undefined {
  if (from === undefined) return undefined;
  const { initialDelaySeconds, periodSeconds, timeoutSeconds, successThreshold, failureThreshold } = from;
  const times = { initialDelaySeconds, periodSeconds, timeoutSeconds, successThreshold, failureThreshold };
  return { check: checkFromWire(from.check, path, wrong), ...defined(times) };
}

type CheckInit = NonNullable<MessageInitShape<typeof wire.ProbeSchema>['check']>;

function checkToWire(check: Check): CheckInit {
  switch (check.kind) {
    case 'http':
      return {
        case: 'http',
        value: {
          path: check.path,
          port: portToWire(check.port),
          scheme: check.scheme ?? '',
          headers: check.headers.map(({ name, value }) => ({ name, value })),
        },
      };
    case 'tcp':
      return { case: 'tcp', value: { port: portToWire(check.port) } };
    case 'grpc':
      return { case: 'grpc', value: { port: check.port, ...defined({ service: check.service }) } };
    case 'exec':
      return { case: 'exec', value: { command: [...check.command] } };
  }
}

export function probeToWire(probe: Probe | undefined): MessageInitShape<typeof wire.ProbeSchema> | undefined {
  if (probe === undefined) return undefined;
  const { check, ...times } = probe;
  return { check: checkToWire(check), ...defined(times) };
}
