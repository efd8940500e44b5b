import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type Container,
  type FieldViolation,
  formatBytes,
  formatMcpu,
  InvalidQuantity,
  parseBytes,
  parseMcpu,
  type ServicePort,
} from '#domain';
import type * as wire from '../wire.js';
import { defined, textOrAbsent } from './optional.js';
import { probeFromWire, probeToWire } from './probe.js';

type Protocol = 'TCP' | 'UDP' | 'SCTP';
const isProtocol = (text: string): text is Protocol => text === 'TCP' || text === 'UDP' || text === 'SCTP';

function protocolFromWire(text: string, path: string, wrong: FieldViolation[]): Protocol | undefined {
  if (text === '') return undefined;
  if (isProtocol(text)) return text;
  wrong.push({ field: path, description: `found "${text}"; allowed are TCP, UDP and SCTP` });
  return undefined;
}

function quantity(
  text: string,
  parse: (text: string) => number,
  path: string,
  wrong: FieldViolation[],
): number | undefined {
  if (text === '') return undefined;
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof InvalidQuantity)) throw error;
    wrong.push({ field: path, description: error.message });
    return undefined;
  }
}

function amountsFromWire(
  from: wire.ComputeAmounts | undefined,
  path: string,
  wrong: FieldViolation[],
): Container['requests'] {
  if (from === undefined) return {};
  return defined({
    mcpu: quantity(from.cpu, parseMcpu, `${path}.cpu`, wrong),
    memoryBytes: quantity(from.memory, parseBytes, `${path}.memory`, wrong),
  });
}

const amountsToWire = (amounts: Container['requests']): MessageInitShape<typeof wire.ComputeAmountsSchema> => ({
  cpu: amounts.mcpu === undefined ? '' : formatMcpu(amounts.mcpu),
  memory: amounts.memoryBytes === undefined ? '' : formatBytes(amounts.memoryBytes),
});

/** Reads a container; `ownName` is the name of one that is alone and says none. */
export function containerFromWire(
  from: wire.Container,
  ownName: string,
  path: string,
  wrong: FieldViolation[],
): Container {
  return {
    name: from.name === '' ? ownName : from.name,
    image: from.image,
    command: [...from.command],
    args: [...from.args],
    env: from.env.map(({ name, value }) => ({ name, value })),
    ports: from.ports.map((each, index) => ({
      port: each.port,
      ...defined({
        name: textOrAbsent(each.name),
        protocol: protocolFromWire(each.protocol, `${path}.ports[${index}].protocol`, wrong),
      }),
    })),
    requests: amountsFromWire(from.requests, `${path}.requests`, wrong),
    limits: amountsFromWire(from.limits, `${path}.limits`, wrong),
    ...defined({
      readiness: probeFromWire(from.readiness, `${path}.readiness`, wrong),
      liveness: probeFromWire(from.liveness, `${path}.liveness`, wrong),
      startup: probeFromWire(from.startup, `${path}.startup`, wrong),
    }),
    extra: from.extra ?? {},
  };
}

export const containerToWire = (container: Container): MessageInitShape<typeof wire.ContainerSchema> => ({
  name: container.name,
  image: container.image,
  command: container.command,
  args: container.args,
  env: container.env.map(({ name, value }) => ({ name, value })),
  ports: container.ports.map(({ name, port, protocol }) => ({ name: name ?? '', port, protocol: protocol ?? '' })),
  requests: amountsToWire(container.requests),
  limits: amountsToWire(container.limits),
  ...defined({
    readiness: probeToWire(container.readiness),
    liveness: probeToWire(container.liveness),
    startup: probeToWire(container.startup),
    extra: Object.keys(container.extra).length === 0 ? undefined : container.extra,
  }),
});

export function servicePortFromWire(from: wire.ServicePort, path: string, wrong: FieldViolation[]): ServicePort {
  return {
    port: from.port,
    ...defined({
      name: textOrAbsent(from.name),
      targetPort: from.target.case === undefined ? undefined : from.target.value,
      protocol: protocolFromWire(from.protocol, `${path}.protocol`, wrong),
    }),
  };
}

const targetToWire = (
  target: number | string | undefined,
): NonNullable<MessageInitShape<typeof wire.ServicePortSchema>['target']> => {
  if (target === undefined) return { case: undefined };
  return typeof target === 'number' ? { case: 'targetPort', value: target } : { case: 'targetPortName', value: target };
};

export const servicePortToWire = (each: ServicePort): MessageInitShape<typeof wire.ServicePortSchema> => ({
  name: each.name ?? '',
  port: each.port,
  target: targetToWire(each.targetPort),
  protocol: each.protocol ?? '',
});
