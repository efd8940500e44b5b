import { toBinary } from '@bufbuild/protobuf';
import { wire } from '#contract';
import { openChannel, type RpcChannel } from '#platform';
import { percentile } from '../statistics.js';
import { bareService } from './bare.js';
import { serveCommands } from './child.js';
import { applicationSpec, project } from './input.js';
import type { ApplyOrder, LoadCommands, RateFigures, RateOrder } from './messages.js';

const channels = new Map<string, RpcChannel>();

/** One connection to an address for all that is asked of it. */
function channelTo(address: string, key: string): RpcChannel {
  const open = channels.get(address);
  if (open !== undefined) return open;
  const channel = openChannel({ address, metadata: () => ({ authorization: `Bearer ${key}` }) });
  channels.set(address, channel);
  return channel;
}

/** A call by its number: the bare method carries as much as a Get's request does. */
function callOf({ method, address, key, names }: RateOrder): (index: number) => Promise<unknown> {
  const channel = channelTo(address, key);
  const nameOf = (index: number) => names[index % names.length] ?? '';
  if (method === 'get') {
    const client = channel.client(wire.ApplicationService);
    return (index) => client.getApplication({ name: nameOf(index) });
  }
  const client = channel.client(bareService);
  const bare = method === 'bare' ? client.echo : client.answer;
  return (index) => bare({ value: nameOf(index) });
}

async function rate(order: RateOrder): Promise<RateFigures> {
  const call = callOf(order);
  const latencies: number[] = [];
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const until = startedAt + order.durationMs;
  let next = 0;
  const caller = async () => {
    for (let before = performance.now(); before < until; before = performance.now()) {
      await call(next++);
      latencies.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: order.concurrency }, caller));
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    calls: latencies.length,
    perSecond: latencies.length / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    callerCpu: cpu.user + cpu.system,
  };
}

async function sample({ gateway, key, name }: LoadCommands['sample']['ask']): Promise<{ application: string }> {
  const application = await channelTo(gateway, key).client(wire.ApplicationService).getApplication({ name });
  return { application: Buffer.from(toBinary(wire.ApplicationSchema, application)).toString('base64') };
}

async function apply({ gateway, key, prefix, count }: ApplyOrder): Promise<{ milliseconds: number[] }> {
  const client = channelTo(gateway, key).client(wire.ApplicationService);
  const milliseconds: number[] = [];
  for (let index = 0; index < count; index++) {
    const id = `${prefix}-${index}`;
    const before = performance.now();
    const { changed } = await client.applyApplication({
      name: `${project}/applications/${id}`,
      source: { case: 'spec', value: applicationSpec(id) },
      requestId: `bench-${id}`,
    });
    milliseconds.push(performance.now() - before);
    if (!changed) throw new Error(`${id} was there before`);
  }
  return { milliseconds };
}

/** A watch that is held still: the consumer asks for no further message until it is released. */
let held: { stream: AsyncIterator<wire.WatchApplicationsResponse>; channel: RpcChannel } | undefined;

async function stall({ gateway, key }: { gateway: string; key: string }): Promise<{ known: number }> {
  const metadata = () => ({ authorization: `Bearer ${key}` });
  const channel = openChannel({ address: gateway, metadata, ownConnection: true });
  const watch = channel.client(wire.ApplicationService).watchApplications({ name: project });
  const stream = watch[Symbol.asyncIterator]();
  held = { stream, channel };
  for (let known = 0; ; known++) {
    const { value, done } = await stream.next();
    if (done === true) throw new Error('the watch ended before it was in step');
    if (value.event.case === 'synced') return { known };
  }
}

async function release({
  version,
  applications,
}: {
  version: string;
  applications: number;
}): Promise<{ messages: number }> {
  if (held === undefined) throw new Error('no watch is held');
  const { stream, channel } = held;
  held = undefined;
  const current = new Set<string>();
  let messages = 0;
  while (current.size < applications) {
    const { value, done } = await stream.next();
    if (done === true) throw new Error('the watch ended before everything was told');
    messages += 1;
    if (value.event.case === 'changed' && value.event.value.etag.endsWith(`-${version}`))
      current.add(value.event.value.name);
  }
  await stream.return?.();
  channel.close();
  return { messages };
}

serveCommands<LoadCommands>({ rate, sample, apply, stall, release }, async () => {
  held?.channel.close();
  for (const channel of channels.values()) channel.close();
});
