import { clusterName, line, wire } from '#contract';
import type { Principal } from '#domain';
import { InvalidRequest } from '#domain';
import { type BidiStream, frameOf, type RpcCall, TunnelOver } from '#platform';
import { type OpenTunnel, openTunnel, type WorkloadParts } from './open.js';

export type ExecStream = BidiStream<typeof wire.ExecRequestSchema, typeof wire.ExecResponseSchema>;

const mostCommandBytes = 64 * 1024;

function checkCommand({ command }: wire.ExecStart): void {
  const bytes = command.reduce((sum, word) => sum + Buffer.byteLength(word), 0);
  if (command.length === 0 || command[0] === '')
    throw new InvalidRequest([
      { field: 'start.command', description: 'found nothing; allowed is a program and its arguments' },
    ]);
  if (bytes > mostCommandBytes)
    throw new InvalidRequest([
      { field: 'start.command', description: `has ${bytes} bytes; allowed are ${mostCommandBytes}` },
    ]);
}

async function startOf(incoming: AsyncIterator<wire.ExecRequest>): Promise<wire.ExecStart> {
  const first = await incoming.next();
  const message = first.done === true ? undefined : first.value.message;
  if (message?.case !== 'start')
    throw new InvalidRequest([
      { field: 'message', description: `found ${message?.case ?? 'nothing'}; allowed is start, first` },
    ]);
  checkCommand(message.value);
  return message.value;
}

/** Runs a command until it ends, the caller leaves or its key is revoked. */
export async function exec(parts: WorkloadParts, stream: ExecStream, call: RpcCall<Principal>): Promise<void> {
  const incoming = stream[Symbol.asyncIterator]();
  const { target, container, command, tty, stdin, size } = await startOf(incoming);
  const order = {
    container,
    kind: { case: 'exec', value: { command, tty, stdin, ...(size === undefined ? {} : { size: sizeOf(size) }) } },
  } as const;
  const audit = { command, tty, stdin, ...(container === '' ? {} : { container }) };
  await openTunnel(parts, call, { target, action: 'workloads.exec', order, audit }, async (tunnel) => {
    void passInput(incoming, tunnel).catch((error: unknown) => {
      if (!(error instanceof TunnelOver)) tunnel.relay.close(); // the caller has left, or said nonsense
    });
    const exitCode = await passOutput(stream, tunnel);
    await stream.write({ message: { case: 'exitCode', value: exitCode } });
  });
}

const sizeOf = ({ columns, rows }: wire.TerminalSize) => ({ columns, rows });

async function passInput(incoming: AsyncIterator<wire.ExecRequest>, { relay: { end } }: OpenTunnel): Promise<void> {
  for (let next = await incoming.next(); next.done !== true; next = await incoming.next()) {
    const { message } = next.value;
    if (message.case === 'stdin') await end.send({ bytes: message.value });
    else if (message.case === 'resize') await end.control(frameOf({ case: 'resize', value: sizeOf(message.value) }));
    else if (message.case === 'stdinEnd') await end.control(frameOf({ case: 'inputEnd', value: {} }));
    else
      throw new InvalidRequest([
        { field: 'message', description: `found ${message.case ?? 'nothing'} after the start` },
      ]);
  }
  await end.control(frameOf({ case: 'inputEnd', value: {} }));
}

async function passOutput(stream: ExecStream, { relay, target: { component, cluster } }: OpenTunnel): Promise<number> {
  const frames = relay.frames();
  for (;;) {
    const next = await frames.next();
    if (next.done === true) return next.value;
    const { frame } = next.value;
    if (frame.case === 'reached') {
      const { pod, container } = frame.value;
      const value = { component, cluster: clusterName(cluster), pod, container };
      await stream.write({ message: { case: 'started', value } });
    } else if (frame.case === 'data') {
      const { bytes, channel } = frame.value;
      await stream.write({ message: { case: channel === line.Channel.STDERR ? 'stderr' : 'stdout', value: bytes } });
    }
  }
}
