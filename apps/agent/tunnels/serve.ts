import { create } from '@bufbuild/protobuf';
import { line } from '#contract';
import { NotBuilt } from '#domain';
import { frameOf, type TunnelEndpoint } from '#platform/light';
import { LogTunnel } from './logs.js';
import { chosenContainer, chosenPod } from './target.js';
import type { TunnelWorld } from './world.js';

const well = (exitCode = 0): line.TunnelEnd => create(line.TunnelEndSchema, { exitCode });

/** Does what the order says until it is done; answers how it ended, or throws what kept it from being done. */
export async function serveTunnel(
  world: TunnelWorld,
  order: line.TunnelOrder,
  end: TunnelEndpoint,
  signal: AbortSignal,
): Promise<line.TunnelEnd> {
  const { kind } = order;
  switch (kind.case) {
    case 'logs':
      await new LogTunnel(world, order, kind.value, end, signal).run();
      return well();
    case 'exec':
      return well(await runCommand(world, order, kind.value, end, signal));
    case 'forward':
      await carryConnection(world, order, kind.value, end, signal);
      return well();
    case undefined:
      throw new NotBuilt([{ field: 'kind', description: 'this agent does not know such tunnels' }]);
  }
}

const reached = (end: TunnelEndpoint, pod: string, container: string): Promise<void> =>
  end.control(frameOf({ case: 'reached', value: { pod, container } }));

async function runCommand(
  world: TunnelWorld,
  order: line.TunnelOrder,
  { command, tty, stdin, size }: line.ExecOrder,
  end: TunnelEndpoint,
  signal: AbortSignal,
): Promise<number> {
  const facts = await chosenPod(world, order, signal);
  const container = chosenContainer(facts, order.container);
  const running = await world.access.exec(facts, { container, command, tty, stdin }, { signal });
  try {
    await reached(end, facts.name, container);
    if (tty && size !== undefined) await running.resize(size);
    const passOn = async () => {
      for await (const { frame } of end.received())
        if (frame.case === 'data') await running.write(frame.value.bytes);
        else if (frame.case === 'resize') await running.resize(frame.value);
        else if (frame.case === 'inputEnd') await running.endInput();
    };
    void passOn().catch(() => undefined); // the stream is gone, and `signal` fires
    const channels = { stdout: line.Channel.STDOUT, stderr: line.Channel.STDERR } as const;
    for await (const event of running.events) {
      if (event.kind === 'exit') return event.code;
      await end.send({ bytes: event.bytes, channel: channels[event.kind] });
    }
    throw new Error('a command ended without its exit code');
  } finally {
    running.close();
  }
}

async function carryConnection(
  world: TunnelWorld,
  order: line.TunnelOrder,
  { port }: line.ForwardOrder,
  end: TunnelEndpoint,
  signal: AbortSignal,
): Promise<void> {
  const facts = await chosenPod(world, order, signal);
  const connection = await world.access.connect(facts, port, { signal });
  try {
    await reached(end, facts.name, '');
    const passOn = async () => {
      for await (const { frame } of end.received())
        if (frame.case === 'data') await connection.write(frame.value.bytes);
    };
    void passOn().catch(() => undefined); // the stream is gone, and `signal` fires
    for await (const bytes of connection.data) await end.send({ bytes });
  } finally {
    connection.close();
  }
}
