import { isJsonObject, type JsonObject, type JsonValue } from '#domain';
import type { Channels } from '../client/channels.js';
import type { KubeClient } from '../client/client.js';
import { GarbledAnswer } from '../client/errors.js';
import { listAt, textAt } from '../client/objects.js';
import {
  type AccessBounds,
  type CommandEvent,
  CommandNotRun,
  type CommandOrder,
  type LogQuery,
  type PodAccess,
  type PodConnection,
  type PodFacts,
  type PodRef,
  PortRefused,
  type RunningCommand,
} from './pod-access.js';

/** Channels of `exec` (KEP-4006 for v5, which can close one: `[255, channel]`). */
const exec = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;
const closing = 'v5.channel.k8s.io';
const plain = 'v4.channel.k8s.io';
/** Of `portforward`, for the first port; each begins with the port's number, two bytes, little-endian. */
const forward = { data: 0, error: 1 } as const;
const portPrefixBytes = 2;

const pathOf = ({ namespace, name }: PodRef, subresource: string): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/${subresource}`;

const namesAt = (pod: JsonObject, list: string): string[] =>
  listAt(pod, 'spec', list).map((each) => textAt(each, 'name'));

/** Pods as the Kubernetes API gives access to them. */
export function kubePods(client: KubeClient, workOf: (pod: JsonObject) => string): PodAccess {
  return {
    pod: (ref, bounds) => factsOf(client, workOf, ref, bounds),
    logs: (ref, query, bounds) =>
      client.openStream(
        { method: 'GET', path: pathOf(ref, 'log'), query: logParameters(query), accept: '*/*' },
        bounds,
      ),
    exec: async (ref, order, bounds) => {
      const query = execParameters(order);
      return running(
        await client.openChannels({ path: pathOf(ref, 'exec'), query, protocols: [closing, plain] }, bounds),
      );
    },
    connect: async (ref, port, bounds) => {
      const query: [string, string][] = [['ports', `${port}`]];
      return connection(
        await client.openChannels({ path: pathOf(ref, 'portforward'), query, protocols: [plain] }, bounds),
      );
    },
  };
}

async function factsOf(
  client: KubeClient,
  workOf: (pod: JsonObject) => string,
  { namespace, name }: PodRef,
  bounds: AccessBounds,
): Promise<PodFacts> {
  const pod = await client.get({ apiVersion: 'v1', kind: 'Pod', namespace, name }, bounds);
  return {
    namespace,
    name,
    workId: workOf(pod),
    phase: textAt(pod, 'status', 'phase'),
    containers: namesAt(pod, 'containers'),
    initContainers: namesAt(pod, 'initContainers'),
  };
}

function logParameters(query: LogQuery): Record<string, string> {
  const { container, follow, previous, timestamps, tailLines, sinceSeconds, sinceTime } = query;
  return {
    container,
    ...(follow ? { follow: 'true' } : {}),
    ...(previous ? { previous: 'true' } : {}),
    ...(timestamps ? { timestamps: 'true' } : {}),
    ...(tailLines === undefined ? {} : { tailLines: `${tailLines}` }),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds: `${sinceSeconds}` }),
    ...(sinceTime === undefined ? {} : { sinceTime }),
  };
}

/** A terminal has one output: asking for standard error beside it is refused. */
const execParameters = ({ container, command, tty, stdin }: CommandOrder): [string, string][] => [
  ['container', container],
  ...command.map((word): [string, string] => ['command', word]),
  ['stdout', 'true'],
  [tty ? 'tty' : 'stderr', 'true'],
  ...(stdin ? [['stdin', 'true'] as [string, string]] : []),
];

function running(channels: Channels): RunningCommand {
  return {
    events: commandEvents(channels),
    write: (bytes) => channels.write(exec.stdin, bytes),
    endInput: async () => {
      if (channels.protocol !== closing) return false;
      await channels.write(exec.close, Uint8Array.of(exec.stdin));
      return true;
    },
    resize: ({ columns, rows }) =>
      channels.write(exec.resize, Buffer.from(JSON.stringify({ Width: columns, Height: rows }))),
    close: () => channels.close(),
  };
}

async function* commandEvents({ messages }: Channels): AsyncGenerator<CommandEvent, void, undefined> {
  for await (const { channel, bytes } of messages) {
    if (channel === exec.stdout && bytes.byteLength > 0) yield { kind: 'stdout', bytes };
    else if (channel === exec.stderr && bytes.byteLength > 0) yield { kind: 'stderr', bytes };
    else if (channel === exec.status) return yield { kind: 'exit', code: exitCodeOf(bytes) };
  }
  throw new CommandNotRun('the connection ended before the command did');
}

/** A `Status`: Success, or Failure with the exit code as a cause. @throws CommandNotRun for any other failure. */
function exitCodeOf(bytes: Uint8Array): number {
  const status = jsonOf(bytes);
  if (textAt(status, 'status') === 'Success') return 0;
  const exit = listAt(status, 'details', 'causes').find((cause) => textAt(cause, 'reason') === 'ExitCode');
  const code = exit === undefined ? Number.NaN : Number(textAt(exit, 'message'));
  if (!Number.isInteger(code)) throw new CommandNotRun(textAt(status, 'message') || 'the command could not be run');
  return code;
}

function jsonOf(bytes: Uint8Array): JsonObject {
  const text = Buffer.from(bytes).toString('utf8');
  let status: JsonValue;
  try {
    status = JSON.parse(text) as JsonValue;
  } catch {
    throw new CommandNotRun(text.slice(0, 300));
  }
  if (!isJsonObject(status)) throw new GarbledAnswer({ call: 'GET exec' }, 'the status is no object');
  return status;
}

function connection(channels: Channels): PodConnection {
  return {
    data: connectionData(channels),
    write: (bytes) => channels.write(forward.data, bytes),
    close: () => channels.close(),
  };
}

async function* connectionData({ messages }: Channels): AsyncGenerator<Uint8Array, void, undefined> {
  const begun = new Set<number>();
  for await (const { channel, bytes } of messages) {
    const isFirst = !begun.has(channel);
    begun.add(channel);
    const rest = isFirst ? bytes.subarray(portPrefixBytes) : bytes;
    if (rest.byteLength === 0) continue;
    if (channel === forward.error) throw new PortRefused(Buffer.from(rest).toString('utf8').trim().slice(0, 500));
    if (channel === forward.data) yield rest;
  }
}
