import { createRegistry, type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import { stringify } from 'yaml';
import { rpc, wire } from '#contract';
import { openChannel, type RpcClient } from '#platform/client';
import { UsageError } from './failure.js';
import type { Io } from './io.js';
import { isForPeople, namesIn, type Settings } from './settings.js';
import { colours, type Look, noColours } from './text/look.js';

/** What a command works with: Berth's services, how to show things, what short names stand for. */
export interface Session {
  readonly io: Io;
  readonly settings: Settings;
  readonly names: ReturnType<typeof namesIn>;
  readonly applications: RpcClient<typeof wire.ApplicationService>;
  readonly clusters: RpcClient<typeof wire.ClusterService>;
  readonly tenancy: RpcClient<typeof wire.TenancyService>;
  readonly operations: RpcClient<typeof wire.OperationService>;
  readonly workloads: RpcClient<typeof wire.WorkloadService>;
  /** As of now. */
  look(): Look;
  say(...lines: readonly string[]): void;
  /** Beside the answer: on standard error unless a person reads a table. */
  remark(line: string): void;
  show<D extends DescMessage>(shown: Shown<D>): void;
  close(): void;
}

/** An answer in all the ways in which it can be asked for. */
export interface Shown<D extends DescMessage> {
  schema: D;
  message: MessageShape<D>;
  /** Full names of the resources in it, for `-o name`. */
  names: readonly string[];
  text(look: Look): readonly string[];
}

/** What an error's details may hold. */
const details = createRegistry(
  rpc.BadRequestSchema,
  rpc.ErrorInfoSchema,
  rpc.PreconditionFailureSchema,
  rpc.QuotaFailureSchema,
  rpc.RetryInfoSchema,
);

export const jsonOf = <D extends DescMessage>(schema: D, message: MessageShape<D>): unknown =>
  toJson(schema, message, { registry: details });

/** Words that YAML 1.1 reads as something else, like `yes`, are quoted: many readers still speak it. */
const yamlOf = (value: unknown): string => stringify(value, { version: '1.1' }).trimEnd();

export function openSession(io: Io, settings: Settings, color: boolean): Session {
  if (settings.apiKey === '')
    throw new UsageError('no API key: set BERTH_API_KEY or give --api-key; "npm run demo" prints one to try');
  const channel = openChannel({
    address: settings.server,
    metadata: () => ({ authorization: `Bearer ${settings.apiKey}` }),
    attempts: 1,
  });
  const terminal = io.out.isTTY === true;
  const palette = color && terminal && !io.env.NO_COLOR ? colours : noColours;
  const look = (): Look => ({ palette, bars: terminal, now: io.clock.now() });
  const say = (...lines: readonly string[]) => {
    for (const line of lines) io.out.write(`${line}\n`);
  };
  return {
    io,
    settings,
    names: namesIn(settings),
    applications: channel.client(wire.ApplicationService),
    clusters: channel.client(wire.ClusterService),
    tenancy: channel.client(wire.TenancyService),
    operations: channel.client(wire.OperationService),
    workloads: channel.client(wire.WorkloadService),
    look,
    say,
    remark: (line) => (isForPeople(settings.format) ? say(line) : void io.err.write(`${line}\n`)),
    show: ({ schema, message, names, text }) => {
      if (settings.format === 'json') say(JSON.stringify(jsonOf(schema, message), undefined, 2));
      else if (settings.format === 'yaml') say(yamlOf(jsonOf(schema, message)));
      else if (settings.format === 'name') say(...names);
      else say(...text(look()));
    },
    close: () => channel.close(),
  };
}
