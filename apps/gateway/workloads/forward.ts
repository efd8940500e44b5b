import { clusterName, type wire } from '#contract';
import { InvalidRequest, type Principal } from '#domain';
import { type BidiStream, frameOf, type RpcCall, TunnelOver } from '#platform';
import { type OpenTunnel, openTunnel, type WorkloadParts } from './open.js';

export type ForwardStream = BidiStream<typeof wire.PortForwardRequestSchema, typeof wire.PortForwardResponseSchema>;

async function openingOf(incoming: AsyncIterator<wire.PortForwardRequest>): Promise<wire.PortForwardOpen> {
  const first = await incoming.next();
  const message = first.done === true ? undefined : first.value.message;
  if (message?.case !== 'open')
    throw new InvalidRequest([
      { field: 'message', description: `found ${message?.case ?? 'nothing'}; allowed is open, first` },
    ]);
  const { port } = message.value;
  if (port < 1 || port > 65_535)
    throw new InvalidRequest([{ field: 'open.port', description: `found ${port}; allowed is 1 to 65535` }]);
  return message.value;
}

/** Carries one connection until the pod closes it, the caller leaves or its key is revoked. */
export async function portForward(
  parts: WorkloadParts,
  stream: ForwardStream,
  call: RpcCall<Principal>,
): Promise<void> {
  const incoming = stream[Symbol.asyncIterator]();
  const { target, port } = await openingOf(incoming);
  const order = { kind: { case: 'forward', value: { port } } } as const;
  await openTunnel(parts, call, { target, action: 'workloads.forward', order, audit: { port } }, async (tunnel) => {
    void passIn(incoming, tunnel).catch((error: unknown) => {
      if (!(error instanceof TunnelOver)) tunnel.relay.close(); // the caller has left, or said nonsense
    });
    await passOut(stream, tunnel);
  });
}

async function passIn(incoming: AsyncIterator<wire.PortForwardRequest>, { relay: { end } }: OpenTunnel): Promise<void> {
  for (let next = await incoming.next(); next.done !== true; next = await incoming.next()) {
    const { message } = next.value;
    if (message.case !== 'data')
      throw new InvalidRequest([
        { field: 'message', description: `found ${message.case ?? 'nothing'} after the opening` },
      ]);
    await end.send({ bytes: message.value });
  }
  await end.control(frameOf({ case: 'inputEnd', value: {} }));
}

async function passOut(stream: ForwardStream, { relay, target: { component, cluster } }: OpenTunnel): Promise<void> {
  for await (const { frame } of relay.frames())
    if (frame.case === 'reached') {
      const value = { component, cluster: clusterName(cluster), pod: frame.value.pod, container: '' };
      await stream.write({ message: { case: 'opened', value } });
    } else if (frame.case === 'data') await stream.write({ message: { case: 'data', value: frame.value.bytes } });
}
