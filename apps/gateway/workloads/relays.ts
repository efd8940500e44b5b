import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { line } from '#contract';
import { type ClusterId, PreconditionFailed } from '#domain';
import { type FramePipe, openChannel, type RpcChannel, TunnelEndpoint } from '#platform';
import { type EnrolmentPoint, gatewayParts } from '../parts.js';
import { TunnelFailed, tunnelFailure } from './failures.js';

/** A ticket, and the hub that takes it. */
export interface Ticket {
  text: string;
  cluster: ClusterId;
  hubAddress: string;
}

/** The gateway's end of a tunnel. */
export interface Relay {
  readonly end: TunnelEndpoint;
  /** Until the agent's last word, which is not told but thrown when it is bad; answers the exit code. */
  frames(): AsyncGenerator<line.TunnelFrame, number, undefined>;
  close(): void;
}

/** Tunnels to agents, through the hubs that hold their lines: one connection to each hub. */
@Injectable()
export class Relays implements OnApplicationShutdown {
  readonly #channels = new Map<string, Promise<RpcChannel>>();

  constructor(@Inject(gatewayParts.enrolment) private readonly point: EnrolmentPoint) {}

  async onApplicationShutdown(): Promise<void> {
    for (const channel of this.#channels.values()) (await channel).close();
  }

  async open({ text, cluster, hubAddress }: Ticket): Promise<Relay> {
    const channel = await this.#channelTo(hubAddress);
    const stream = channel.client(line.TunnelService).relay();
    const pipe: FramePipe = {
      write: (frame) => stream.write({ message: { case: 'frame', value: frame } }),
      frames: framesOf(stream.messages),
    };
    // Nobody waits for it: what fails the first message fails the stream.
    void stream.write({ message: { case: 'ticket', value: text } }).catch(() => undefined);
    const end = new TunnelEndpoint(pipe);
    return { end, frames: () => untilEnd(cluster, end), close: () => stream.cancel() };
  }

  /** A hub's certificate is signed by the authority that agents know it by. */
  async #channelTo(address: string): Promise<RpcChannel> {
    const known = this.#channels.get(address);
    if (known !== undefined) return known;
    const authority = await this.point.authorityCertificate?.();
    if (authority === undefined)
      throw new PreconditionFailed(
        'NO_HUB_AUTHORITY',
        'the gateway does not know the hub’s authority (BERTH_HUB_AUTHORITY_FILE), so it can reach no agent',
      );
    const opened = Promise.resolve(openChannel({ address, tls: { authority }, ownConnection: true }));
    this.#channels.set(address, opened);
    return opened;
  }
}

async function* framesOf(messages: AsyncIterable<line.RelayResponse>): AsyncGenerator<line.TunnelFrame> {
  for await (const { frame } of messages) if (frame !== undefined) yield frame;
}

async function* untilEnd(cluster: ClusterId, end: TunnelEndpoint): AsyncGenerator<line.TunnelFrame, number, undefined> {
  try {
    for await (const received of end.received()) {
      const { frame } = received;
      if (frame.case !== 'end') yield received;
      else if (frame.value.code === '') return frame.value.exitCode;
      else throw new TunnelFailed({ cluster, ...frame.value });
    }
  } catch (error) {
    throw tunnelFailure(cluster, error);
  }
  const message = 'the tunnel was cut';
  throw new TunnelFailed({ cluster, code: 'UNAVAILABLE', reason: 'TUNNEL_CUT', message });
}
